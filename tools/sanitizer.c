/*
 * Only in the build with sanitizers: what they may assume about a shim. Leaks are not looked for, because that needs to trace
 * the process, which the shim forbids; findings go to files that the tests look for.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_leaks=0:handle_segv=0:log_path=/tmp/berth-sanitizer";
}

const char *__ubsan_default_options(void)
{
    return "print_stacktrace=1:log_path=/tmp/berth-sanitizer";
}
