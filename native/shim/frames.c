/* Frames that are said in two ways: to whoever called and waits, and to everybody who controls a process. */
#include <string.h>

#include "shim.h"

void say_failure(say_function *say, enum message_type type, uint32_t op, int error, const char *object)
{
    struct {
        uint32_t op;
        int32_t error;
        uint32_t length;
        char object[480];
    } payload = {op, error, (uint32_t)strnlen(object, sizeof payload.object), ""};

    memcpy(payload.object, object, payload.length);
    say(type, &payload, offsetof(typeof(payload), object) + payload.length);
}

void say_state(say_function *say, uint32_t phase, pid_t process, uint64_t start_time)
{
    struct {
        uint32_t phase;
        int32_t pid;
        uint64_t start_time;
        int32_t shim;
        uint32_t version;
    } state = {phase, process, start_time, getpid(), BERTH_PROTOCOL_VERSION};

    say(MSG_STATE, &state, sizeof state);
}
