/* One program, three roles: a shim and an attendant begin with a plan, the front with a connection to the engine. */
#define _GNU_SOURCE
#include <stdlib.h>

#include "front.h"
#include "shim.h"

int main(int argc, char **argv)
{
    context.caller = getppid();
    const char *told = argc > 0 ? getenv(FRONT_VARIABLE) : NULL; /* a shim is started without an environment */

    return told != NULL ? front(told, argv) : shim();
}
