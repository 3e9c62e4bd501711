/* The hello-world image: one static program. */
#include <unistd.h>

int main(void)
{
    static const char greeting[] = "Hello from berth!\n";

    return write(1, greeting, sizeof greeting - 1) < 0;
}
