/* The hello-world image: one static program that greets and says which processes took part in starting it. */
#include <string.h>
#include <unistd.h>

static const char greeting[] =
    "\n"
    "Hello from berth!\n"
    "This container runs on this machine, and nothing was downloaded for it. These processes took part:\n"
    "\n"
    "  1. the command line  read what you typed and asked the engine, over a unix socket\n"
    "  2. the engine        found the image (this one is inside the executable) and made the launch plan\n"
    "  3. the shim          performed the plan with the kernel: namespaces, cgroups, root filesystem, seccomp\n"
    "  4. the container     is this program, pid 1 of a world of its own; the shim passes on what it says\n"
    "\n"
    "What to try next:\n"
    "  berth run --explain hello-world      see every step that the kernel was asked for\n"
    "  berth image bootstrap busybox        make an image of the machine's own packages\n"
    "  berth run -it busybox sh             and work in it\n"
    "\n";

int main(void)
{
    const char *at = greeting;
    size_t left = strlen(greeting);

    while (left > 0) {
        ssize_t written = write(STDOUT_FILENO, at, left);

        if (written < 0)
            return 1;
        at += written;
        left -= (size_t)written;
    }
    return 0;
}
