/*
 * ds01-init: one static program inside every container, mounted read-only at /.ds01. It uses libc
 * only, runs as the caller without capabilities, and has three faces, one file each:
 *   reaper.c   PID 1: reaps, forwards signals, stops the container at once
 *   shell.c    the supervisor of an attached shell or command
 *   exit.c     container-exit: ends the shell that it is typed in
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* Where the engine mounts this program; on PATH of every attached shell. */
#define INIT_DIR "/.ds01"

/* Each runs one face and returns the exit code of the process. @argv holds what follows the
 * face's name, NULL at its end. */
int reaper_main(char **argv);
int shell_main(char **argv);
int exit_main(char **argv);

/* proc.c: what the three share. */

/* What this program reads of /proc/PID/status. */
struct proc {
        pid_t pid;
        pid_t parent;
        bool zombie;
        bool ignores_term;
};

/* Reads one process; 0 or -errno (-ESRCH when it is gone). */
int proc_read(pid_t pid, struct proc *ret);

/* All living processes but PID 1 into *@ret, which the caller frees; their number. Nothing at all
 * (NULL and 0) without memory. */
size_t proc_list(struct proc **ret);

/* True when @pid lives and is a `ds01-init shell`. */
bool proc_is_shell(pid_t pid);

/* Exit code of a waitpid() status as shells give it: the code, or 128 + signal. */
int exit_code(int status);

/* Blocks every signal in this process, to be read by sigwaitinfo(). */
void signals_block_all(sigset_t *ret);

/* In a child: default actions, nothing blocked. */
void signals_reset(void);

/* In a child: becomes argv[0], or says why not and exits with 127 (not found) or 126. */
__attribute__((noreturn)) void exec_or_die(char **argv);

/* A line for people on stderr, with the prefix "ds01: ". */
__attribute__((format(printf, 1, 2))) void complain(const char *fmt, ...);
