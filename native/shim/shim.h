/* What the parts of the shim share. One shim looks after one process: it performs the plan, keeps the output, answers the engine. */
#ifndef BERTH_SHIM_H
#define BERTH_SHIM_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "protocol.h"

#define array_size(array) (sizeof(array) / sizeof((array)[0]))
#define cleanup_close __attribute__((cleanup(close_scoped)))

static inline void close_scoped(const int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    errno = saved;
}

/* Why an op failed: what the engine makes the user's message from. */
struct failure {
    int error;        /* errno */
    char object[480]; /* "mount overlay on "/x"" */
};

/* Stores errno and says what was tried; returns -1. */
int fail(struct failure *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* plan.c */
struct text {
    uint32_t size; /* without the NUL behind it */
    const char *bytes;
};

struct op {
    uint32_t index;
    uint16_t code, numbers, strings;
    const uint64_t *number;
    const unsigned char *first_string;
};

struct plan {
    const unsigned char *bytes;
    size_t size, offset;
    uint32_t count, next;
};

int plan_open(struct plan *plan, int fd, struct failure *why);
/* 1 and the next op, 0 behind the last; every operand has been checked to lie inside the plan. */
int plan_next(struct plan *plan, struct op *op);
struct text op_string(const struct op *op, unsigned index);
/* The string at *at, which goes on to the next one. */
struct text next_string(const unsigned char **at);
uint64_t op_number(const struct op *op, unsigned index);
/* The strings from `first` on as argv, then a NULL, the environment, and NULLs for two more; until the next call. NULL if argc is none of it. */
char **op_arguments(const struct op *op, unsigned first, unsigned argc);

/* root.c: the one place that turns a path of a container into a descriptor. */
int root_open(const char *path, uint64_t resolve, int flags);
/* Opened as it is, or made, with the directories that lead to it. */
int root_make_directory(const char *path, mode_t mode);
int root_make_file(const char *path);
/* Splits at the last component and opens the directory before it, made where it is absent. */
int root_parent(const char *path, char *name, size_t size);

/* sys.c: system calls that the C library does not have, and what they take. */
#define TREE_CLONE 1u
#define TREE_RECURSIVE 0x8000u /* AT_RECURSIVE */
#define CONFIG_FLAG 0u
#define CONFIG_STRING 1u
#define CONFIG_CREATE 6u
#define ATTRIBUTE_READONLY 1u
#define ATTRIBUTE_NOSUID 2u
#define ATTRIBUTE_NODEV 4u
#define ATTRIBUTE_NOEXEC 8u
#define ATTRIBUTE_NOATIME 0x10u
#define ATTRIBUTE_STRICTATIME 0x20u
#define ATTRIBUTE_NODIRATIME 0x80u
#define ATTRIBUTE_IDMAP 0x100000u
#define ATTRIBUTE_NOSYMFOLLOW 0x200000u

struct mount_attributes {
    uint64_t set, clear, propagation, userns_fd;
};

/* However long it takes; false where it cannot be. */
bool write_all(int fd, const char *bytes, size_t size);

/* Without `pidfd` for a sibling (CLONE_PARENT), whose pidfd would be of no use to us. */
int sys_clone3(uint64_t flags, int *pidfd, int cgroup);
int sys_open_tree(int at, const char *path, unsigned flags);
int sys_move_mount(int from, int to);
int sys_mount_setattr(int fd, unsigned flags, const struct mount_attributes *attributes);
int sys_fsopen(const char *type);
int sys_fsconfig(int fd, unsigned command, const char *key, const char *value);
int sys_fsconfig_fd(int fs, const char *key, int fd);
int sys_fsmount(int fd, unsigned attributes);
int sys_openat2(int at, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
int sys_pidfd_open(pid_t pid);
int sys_pidfd_signal(int pidfd, int signal);
int sys_close_range(unsigned first, unsigned last, unsigned flags);

/* descriptor.c */
/* What sendmsg and recvmsg put a descriptor in. */
union descriptor_space {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int))];
};

void put_descriptor(struct msghdr *message, union descriptor_space *space, int fd);
/* The one that came with a message, or -1. */
int take_descriptor(struct msghdr *message);

/* What the supervisor was told by the ops before the clone. */
struct settings {
    uint32_t flags; /* SUPERVISE_* */
    uint32_t drain_ms;
    const char *log_path, *spill_directory, *oom_counter;
    uint64_t log_max_bytes, spill_max_bytes;
    uint32_t log_max_files, spill_spare_percent;
    int run_directory;
    uid_t owner_uid; /* OP_OWNER */
    gid_t owner_gid;
};

/* The child's descriptors behind its standard streams. From FD_EXTRA on: those to be preserved, then the start fifo. */
#define FD_SYNC 3
#define FD_TARGET 4
/* The first slot's, and all others behind it; above whatever else the shim has open. */
#define FD_SLOTS 256

/* What an op may change; the shim and, after the clone, its copy in the child. */
struct context {
    struct settings settings;
    int sync;        /* child: the socket to the shim */
    int root;        /* in-root paths are resolved below it */
    int null_device; /* the host's /dev/null, verified */
    int empty;       /* shared read-only tmpfs over masked directories */
    bool empty_is_attached;
    unsigned slots;   /* how many have been filled */
    int target_pidfd; /* OP_JOIN_PROCESS */
    pid_t target_pid;
    char home[1024];  /* OP_USER: the user's, of the container's passwd */
    int preserved;    /* OP_DESCRIPTORS: how many */
    int console;      /* OP_DESCRIPTORS: the socket that takes a terminal */
    int start_fifo;
    char program[4096]; /* OP_FIND: what will be executed; empty: OP_EXEC searches */
    mode_t umask;     /* OP_UMASK: the program's; until exec every mode is made as it is asked for */
    pid_t caller;     /* whose child we are */
};

extern struct context context;

typedef int op_function(const struct op *op, struct failure *why);

/* ops_*.c */
op_function op_mkdir, op_write, op_join, op_join_process, op_unshare;
op_function op_propagation, op_mount_host, op_root, op_mount, op_bind, op_directory, op_mknod, op_symlink;
op_function op_bind_source, op_remount, op_chroot;
op_function op_mask, op_mount_attributes, op_readonly_path, op_pivot, op_readonly_root, op_console;
op_function op_sysctl, op_hostname, op_domainname, op_netlink, op_rlimit, op_oom_score, op_umask, op_session;
op_function op_user_namespace, op_open, op_tree, op_overlay, op_file_system, op_within, op_owner;
op_function op_join_user, op_become_root, op_attach_root, op_attach, op_host_socket;
op_function op_bounding, op_user, op_capabilities, op_no_new_privs, op_seccomp, op_seccomp_listener, op_seccomp_messenger, op_cwd, op_exec, op_barrier, op_enter;
op_function op_find, op_await_start, op_keyring;
op_function op_hook, op_scheduler, op_io_priority, op_affinity, op_personality, op_memory_policy;
op_function op_bundle, op_runtime, op_process_network;

/* ops_system.c */
/* Looked at before it is opened: nobody waits at a fifo, and to open a device is to do something to it. */
int open_namespace(const char *path);

/* slots.c */
/* Puts a descriptor into a slot; takes it over in any case. */
int slot_fill(uint64_t slot, int fd, struct failure *why);
int slot_fd(uint64_t slot);
void slots_close(void);

/* mounts.c */
#define MOUNT_DATA_SIZE 4096

/* A file system that is mounted nowhere yet; move_mount puts it onto a descriptor. Its data is shorter than MOUNT_DATA_SIZE. */
int mount_new(const char *source, const char *type, const char *data, uint64_t flags, struct failure *why);
/* For the kernel's own file systems (MOUNT_API) a symlink in the path would be the image leading us astray. */
int find_mount_point(const char *path, uint64_t options);
/* Made where it is absent. */
int mount_point(const char *path, uint64_t options);
/* The steps of an op, which begin at its number `first`, for the mount at a descriptor; `path` is its name in a failure. */
int take_steps(const struct op *op, unsigned first, int mount, const char *path, struct failure *why);
bool is_on_procfs(int fd);
/* Fails where a mount point lies on a procfs and `path`, its name, does not say so. */
int stay_out_of_procfs(int target, const char *path, struct failure *why);

/* ops_mount.c */
int hold_null_device(struct failure *why);

/* ops_user.c */
/* Ids of a mount that nobody sees yet, as they are stored, become those of the user namespace in a slot: no file needs another owner. */
int map_ids(int tree, uint64_t user_namespace, unsigned recursive, const char *what, struct failure *why);

/* sync.c: the child's end of the socket to its shim. */
enum sync_type { SYNC_READY = 1, SYNC_FAILED, SYNC_WARNING, SYNC_CONSOLE, SYNC_GO, SYNC_LISTENER, SYNC_SUCCESSOR, SYNC_PROCESS, SYNC_RUNNING, SYNC_PARKING };

struct sync_message {
    uint32_t type, index; /* SYNC_SUCCESSOR, SYNC_PROCESS: its pid */
    int32_t error; /* SYNC_READY: which barrier */
    char object[480];
};

/* -1 where it cannot be told. */
int tell_shim(enum sync_type type, uint32_t index, int error, const char *object);
void warn_shim(const struct op *op, const char *object, int error);
int send_descriptor(enum sync_type type, uint32_t index, int fd);
/* Waits for the shim's SYNC_GO. */
int hear_go(void);
/* The caller of another runtime: whom the shim looks after from now on, and that it runs. */
int send_process(pid_t pid);
int send_running(void);
/* From here on nobody hears it any more; what fails is said on its own stderr. */
void leave_shim(void);

/* child.c */
int run_op(const struct op *op, struct failure *why);
_Noreturn void run_child(struct plan *plan);

/* console.c */
/* A session of its own, with the terminal on its standard input, if that is one. */
int begin_session(struct failure *why);

/* stdio.c */
struct streams {
    int child[3], shim[3];
};

int streams_open(struct streams *streams, struct failure *why);
void streams_close_child_ends(const struct streams *streams);
/* In the child: puts its ends on 0, 1 and 2. */
int streams_take(const struct streams *streams);
/* In the child, below the container's root: nothing of the host's /dev stays in its hands. */
int streams_leave_host(struct failure *why);
/* Pipes and terminal belong to the user, so that it can open /dev/stdout again. */
int streams_own(uid_t uid);
bool is_null_device(int fd);

/* copy_up.c */
/* Copies what is in the directory `from` of the container into the file system `to`, which nobody else sees yet. */
int copy_up(int from, int to, struct failure *why);

/* users.c */
#define GROUPS_LIMIT 1024

struct user {
    uid_t uid;
    gid_t gid; /* also the first of the groups */
    unsigned count;
    gid_t groups[GROUPS_LIMIT + 256];
};

/* Docker's user text is string `first` of the op, additional groups are those behind it; read in /etc of the root. */
int resolve_user(const struct op *op, unsigned first, struct user *user, struct failure *why);

/* ops_identity.c */
int become_user(uid_t uid, gid_t gid, const gid_t *groups, unsigned count, struct failure *why);

/* ops_seccomp.c */
/* In the shim: passes the listener that came with the child's message on to whoever OP_SECCOMP_LISTENER named; or keeps it. */
int seccomp_listener_take(struct msghdr *from_child, pid_t process, struct failure *why);
/* The one that is kept for the process to come, or -1; who keeps it answers with _continue when there is something to read. */
int seccomp_listener_kept(void);
void seccomp_listener_continue(void);
int seccomp_listener_give(pid_t process, struct failure *why);

/* init.c */
/* pid 1 of a container with --init: forks; returns in the child, never in pid 1. */
int become_init(void);

/* log.c */
enum stream { STREAM_STDOUT, STREAM_STDERR };

/* An escape is at most six bytes for one; the rest is what stands around the text. */
#define LOG_ENTRY_SIZE(text) ((text) * 6 + 128)
#define LOG_FILES_LIMIT 100

int log_open(const struct settings *settings);
void log_write(enum stream stream, const char *bytes, size_t size);
void log_finish(void);
/* The files that the log consists of at this moment, oldest first; returns how many. */
uint64_t log_files(struct log_file files[LOG_FILES_LIMIT]);
/* `words` as an entry of standard error, into LOG_ENTRY_SIZE of their length; returns the entry's. */
size_t log_entry(char *to, const char *words);
/* Entries that the disk did not take. */
uint64_t log_lost(void);

/* backlog.c */
off_t backlog_end(void);
/* All of the parts, or nothing: false where there is no place for them. */
bool backlog_append(const struct iovec *parts, int number);
/* False where what was appended since the end was at `before` has left the disk with less than it shall keep free. */
bool backlog_has_room(off_t before);
ssize_t backlog_read(char *bytes, size_t size, off_t at);
/* Nobody needs anything before `slowest` any more. */
void backlog_pass(off_t slowest);
void backlog_close(void);

/* record.c */
int record_state(int directory, const char *phase, pid_t pid, uint64_t start_time);
int record_exit(int directory, int code, bool oom_killed, int64_t finished_ns, uint64_t lost_entries);
int record_failure(int directory, int op, const struct failure *why);
uint64_t oom_count(const char *path);
/* Field 22 of /proc/PID/stat, in clock ticks; 0 when there is no such process. */
uint64_t start_time_of(pid_t pid);
/* 0 when there is no such process. */
pid_t parent_of(pid_t pid);
int64_t now_ns(void);

/* connections.c */
void connections_open(int epoll, int listener, int first);
void connections_accept(void);
void connections_ready(void *connection, uint32_t events);
/* Output for every attached client, in docker's frames unless there is a terminal. */
void connections_output(enum stream stream, const char *bytes, size_t size);
/* Entries for those who follow the log. */
void connections_log(const char *entries, size_t size);
void connections_say(enum message_type type, const void *payload, size_t size);
bool connections_controlled(void);
/* No more output: closes what is drained; true when nobody waits for anything. */
bool connections_finish(void);
/* Something was sent to a client since the last call. */
bool connections_progress(void);
/* Forgets who hung up; only between two rounds of events, which may still point to them. */
void connections_sweep(void);

/* stdin.c */
#define INPUT_SIZE 16384 /* of one write at most */

/* What epoll names when the process takes input again. */
const void *stdin_source(void);
void stdin_open(int epoll, int fd, bool close_with_client);
bool stdin_wants(void);
/* There is none, or there will never be any more of it. */
bool stdin_closed(void);
void stdin_write(const char *bytes, size_t size);
void stdin_client_ended(void);
void stdin_ready(void);
void stdin_close(void);
void connections_read_input(bool wanted);
/* Nobody takes input any more. */
void connections_end_input(void);

/* frames.c */
/* How a frame gets to those who shall have it. */
typedef void say_function(enum message_type type, const void *payload, size_t size);

/* `type` is MSG_FAILED or MSG_WARNING. */
void say_failure(say_function *say, enum message_type type, uint32_t op, int error, const char *object);
void say_state(say_function *say, uint32_t phase, pid_t process, uint64_t start_time);

/* handover.c */
void frame_failure(enum message_type type, uint32_t op, int error, const char *object);
/* Runs until the process is on its own; returns the shim's exit code. */
int hand_over(pid_t child, int pidfd, int sync);

/* notify.c */
/* Reads what is there by now. When the container's program has said at `socket` that it is ready, the service manager at `*address`
   knows, and the address becomes NULL. */
void relay_readiness(int socket, const char **address);
/* Waits until it has, or the process has ended, or a signal ends us; returns an exit code. */
int await_readiness(int socket, const char *address, pid_t process);

/* attend.c */
/* Runs until the process has ended and what it left is removed; returns its exit code. With ATTEND_LEAVE: until it is ready. */
int attend(struct plan *plan, const struct op *op, struct failure *why);

/* supervise.c */
int supervise_open(struct failure *why);
/* Runs until the process has ended and everybody knows; `child` was just cloned. Returns the shim's exit code. */
int supervise(pid_t child, int pidfd, int sync, const int stdio[3], int listener);
void supervise_state(void);
void supervise_open_barrier(uint32_t number);
int supervise_signal(int signal);
int supervise_resize(uint16_t rows, uint16_t columns);

/* perform.c: a shim, from its descriptors to its end; the exit code. */
int shim(void);

/* front.c: `told` is what FRONT_VARIABLE holds. */
int front(const char *told, char **argv);

#endif
