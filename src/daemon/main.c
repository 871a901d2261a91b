/* ds01d: start, signals, stop. */
#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "daemon/daemon.h"
#include "daemon/doctor.h"
#include "daemon/expiry.h"
#include "daemon/fsck.h"
#include "daemon/gpu_access.h"
#include "daemon/image_cache.h"
#include "daemon/keeper.h"
#include "daemon/listener.h"
#include "daemon/notify.h"
#include "daemon/privileges.h"
#include "daemon/reserve.h"
#include "daemon/seal.h"
#include "daemon/steady.h"
#include "gpu/helper.h"
#include "runtime/decision.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { LISTEN_BACKLOG = 4096, REPORT_MAX = 16 << 20 };

static const char default_config[] = "/etc/ds01/ds01.yaml";

struct arguments {
        const char *config;
        bool check, fsck, doctor, private_mode, verbose;
};

static const char help[] =
        "Usage: ds01d [OPTION...]\n"
        "The daemon behind the ds01 commands: shares a machine's GPUs through containers.\n"
        "\n"
        "  --config=FILE   read FILE instead of /etc/ds01/ds01.yaml\n"
        "  --check-config  check the configuration and the limits file, then exit\n"
        "  --fsck          compare the engine's containers with limits and files, print the\n"
        "                  findings as JSON and exit; for when no ds01d runs (see ds01 fsck)\n"
        "  --doctor        check the host, print the findings as JSON and exit (see ds01 doctor)\n"
        "  --private       serve only the calling user, below $XDG_RUNTIME_DIR/ds01\n"
        "  --verbose       log more\n"
        "  --version       print the version\n"
        "  --help          print this\n"
        "\n"
        "SIGHUP reads the limits file anew. See ds01d(8).\n";

static int replace_string(char **at, const char *fmt, const char *dir) {
        char *value = NULL;

        if (asprintf(&value, fmt, dir) < 0)
                return -ENOMEM;
        free(*at);
        *at = value;
        return 0;
}

/* One person's own daemon keeps everything below that person's directories. */
static int make_private(struct site_config *c, struct err *err) {
        const char *run = getenv("XDG_RUNTIME_DIR"), *state = getenv("XDG_STATE_HOME"),
                   *home = getenv("HOME");

        if (!run || !home)
                return err_set(err, EINVAL, "--private needs $XDG_RUNTIME_DIR and $HOME");
        if (replace_string(&c->run_dir, "%s/ds01", run) < 0 ||
            replace_string(&c->socket, "%s/ds01/ds01.sock", run) < 0 ||
            replace_string(&c->state_dir, state ? "%s/ds01" : "%s/.local/state/ds01",
                           state ? state : home) < 0 ||
            replace_string(&c->log_dir, "%s/log", c->state_dir) < 0 ||
            replace_string(&c->gpu_cdi_directory, "%s/ds01/cdi", run) < 0)
                return err_set(err, ENOMEM, "no memory");
        return 0;
}

static int load_limits(const struct site_config *c, struct limits_config *ret, struct err *err) {
        int r = limits_config_load(c->limits_file, ret, err);

        if (r != -ENOENT)
                return r;
        *ret = (struct limits_config){ 0 }; /* no file: the built-in defaults */
        return 0;
}

static int load_config(const struct arguments *a, struct site_config *c, struct err *err) {
        const char *path = a->config ? a->config : default_config;
        int r = site_config_init(c);

        if (r < 0)
                return err_set(err, -r, "no memory");
        r = site_config_load(path, c, err);
        if (r == -ENOENT && !a->config)
                r = 0;
        if (r == 0 && a->private_mode)
                r = make_private(c, err);
        return r;
}

static int check_config(const struct arguments *a) {
        struct site_config config = { 0 };
        struct limits_config limits = { 0 };
        struct err err = { 0 };
        int r = load_config(a, &config, &err);

        if (r == 0)
                r = load_limits(&config, &limits, &err);
        if (r < 0)
                fprintf(stderr, "%s\n", err.msg);
        else
                printf("the configuration is good\n");
        limits_config_release(&limits);
        site_config_release(&config);
        return r < 0 ? 1 : 0;
}

static int make_directories(const struct daemon *d, struct err *err) {
        static const struct {
                const char *name;
                mode_t mode;
        } state_dirs[] = { { "", 0711 },          { "/container-metadata", 0711 },
                           { "/identity", 0711 }, { "/home", 0700 },
                           { "/pending", 0700 },  { "/facts", 0700 },
                           { "/bin", 0700 } };
        char path[PATH_MAX];
        int r;

        for (size_t i = 0; i < ARRAY_SIZE(state_dirs); i++) {
                snprintf(path, sizeof(path), "%s%s", d->config.state_dir, state_dirs[i].name);
                r = dir_make(path, 0755);
                if (r < 0 || chmod(path, state_dirs[i].mode) < 0)
                        return err_set(err, r < 0 ? -r : errno, "can't make '%s': %s", path,
                                       strerror(r < 0 ? -r : errno));
        }
        r = dir_make(d->config.log_dir, 0750);
        if (r < 0) /* what happens is not written down then, which is said each time */
                log_line(LOG_ERROR, "journal", "path", d->config.log_dir, "error", strerror(-r),
                         NULL);
        r = dir_make(d->config.run_dir, 0755);
        if (r < 0)
                return err_set(err, -r, "can't make '%s': %s", d->config.run_dir, strerror(-r));
        snprintf(path, sizeof(path), "%s/pin", d->config.run_dir);
        if (!d->private_mode && (r = dir_make(path, 0700)) < 0)
                return err_set(err, -r, "can't make '%s': %s", path, strerror(-r));
        snprintf(path, sizeof(path), "%s/" DECISION_DIR, d->config.run_dir);
        if (!d->private_mode && (r = dir_make(path, 0700)) < 0)
                return err_set(err, -r, "can't make '%s': %s", path, strerror(-r));
        return 0;
}

/* Without it no container would start: better said now than at the first create. */
static int check_init(const struct daemon *d, struct err *err) {
        char path[PATH_MAX];

        snprintf(path, sizeof(path), "%s/ds01-init", d->config.init_dir);
        if (access(path, X_OK) < 0)
                return err_set(err, errno, "can't use '%s' (paths.init): %s", path,
                               strerror(errno));
        return 0;
}

static int open_engine(struct daemon *d, struct err *err) {
        char path[PATH_MAX];

        str_copy(path, sizeof(path), d->config.engine_socket);
        /* Without one yet, the usual place is watched until an engine answers there. */
        if (path[0] == '\0' && engine_find_socket(path, sizeof(path)) < 0)
                str_copy(path, sizeof(path), "/var/run/docker.sock");
        log_line(LOG_INFO, "engine", "socket", path, NULL);
        d->engine = engine_new(path, d->config.engine_timeout_us);
        return d->engine ? 0 : err_set(err, ENOMEM, "no memory");
}

static void raise_descriptor_limit(void) {
        struct rlimit files;

        if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
                files.rlim_cur = files.rlim_max;
                setrlimit(RLIMIT_NOFILE, &files);
        }
}

static int start_gpus(struct daemon *d, struct err *err) {
        struct gpu_monitor_config config = {
                .library = d->config.gpu_nvml_library,
                .simulator_file =
                        d->config.gpu_simulator_file[0] ? d->config.gpu_simulator_file : NULL,
                .changed = keeper_inventory_changed,
                .ctx = d,
        };
        struct gpu_monitor *monitor = NULL;
        int r = gpu_monitor_start(&config, &monitor, err);

        d->gpus = monitor;
        if (r == 0)
                keeper_inventory_changed(d); /* the first answer came before d->gpus was set */
        return r;
}

static void locks_init(struct daemon *d) {
        pthread_mutex_init(&d->engine_info_lock, NULL);
        pthread_rwlock_init(&d->limits_lock, NULL);
        people_init(&d->people);
        budgets_init(&d->budgets, &d->config);
        pthread_mutex_init(&d->builds.lock, NULL);
        pthread_mutex_init(&d->images.lock, NULL);
        terminals_init(&d->terminals);
        notices_init(&d->notices);
        ledger_init(&d->ledger);
        journal_init(&d->journal);
        d->ledger.journal = &d->journal;
}

static int daemon_init(struct daemon *d, struct err *err) {
        char key[PATH_MAX];
        int r;

        locks_init(d);
        d->own_uid = getuid();
        d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (d->wake_fd < 0)
                return err_set(err, errno, "can't make an eventfd: %s", strerror(errno));
        raise_descriptor_limit();
        umask(022);
        r = make_directories(d, err);
        if (r == 0)
                r = check_init(d, err);
        if (r == 0)
                r = load_limits(&d->config, &d->limits, err);
        snprintf(key, sizeof(key), "%s/seal.key", d->config.state_dir);
        if (r == 0)
                r = seal_key_load(key, d->seal_key, sizeof(d->seal_key), err);
        if (r == 0)
                r = open_engine(d, err);
        if (r == 0)
                steady_start(d);
        if (r == 0)
                reserve_start(d);
        return r;
}

/* Everybody may connect unless the site names a group. */
static int give_socket_to_group(const struct daemon *d, struct err *err) {
        char buffer[16384];
        struct group group, *found = NULL;

        if (d->private_mode || d->config.socket_group[0] == '\0')
                return 0;
        getgrnam_r(d->config.socket_group, &group, buffer, sizeof(buffer), &found);
        if (!found)
                return err_set(err, EINVAL, "there is no group '%s' (socket_group)",
                               d->config.socket_group);
        if (chown(d->config.socket, 0, found->gr_gid) < 0 || chmod(d->config.socket, 0660) < 0)
                return err_set(err, errno, "can't give '%s' to its group: %s", d->config.socket,
                               strerror(errno));
        return 0;
}

static int open_socket(struct daemon *d, struct err *err) {
        int fd = notify_listen_fd(), r;

        if (fd < 0) {
                bool narrow = d->private_mode || d->config.socket_group[0];

                fd = unix_listen(d->config.socket, narrow ? 0600 : 0666, LISTEN_BACKLOG);
                r = fd < 0 ? 0 : give_socket_to_group(d, err);
                if (r < 0) {
                        close(fd);
                        return r;
                }
        }
        if (fd == -EADDRINUSE)
                return err_set(err, EADDRINUSE, "another ds01d is at work on '%s'",
                               d->config.socket);
        if (fd < 0)
                return err_set(err, -fd, "can't listen on '%s': %s", d->config.socket,
                               strerror(-fd));
        return fd;
}

/* A wrong file is reported and changes nothing. */
static void reload(struct daemon *d) {
        struct limits_config fresh = { 0 }, old;
        struct err err = { 0 };

        notify_reloading();
        if (load_limits(&d->config, &fresh, &err) < 0) {
                log_line(LOG_ERROR, "reload", "error", err.msg, "limits", "the old ones stay",
                         NULL);
        } else {
                pthread_rwlock_wrlock(&d->limits_lock);
                old = d->limits;
                d->limits = fresh;
                pthread_rwlock_unlock(&d->limits_lock);
                limits_config_release(&old);
                d->limits_generation++;
                reserve_tend(d);
                ledger_lock(&d->ledger);
                pthread_cond_broadcast(&d->ledger.freed); /* people wait for room in them */
                ledger_unlock(&d->ledger);
                log_line(LOG_INFO, "reload", "limits", d->config.limits_file, NULL);
        }
        if (d->ready)
                notify_ready();
}

struct signals {
        struct daemon *daemon;
        sigset_t set;
};

static void *signal_thread(void *arg) {
        struct signals *s = arg;
        int signal;

        while (sigwait(&s->set, &signal) == 0) {
                if (signal == SIGHUP) {
                        reload(s->daemon);
                        continue;
                }
                notify_stopping();
                log_line(LOG_INFO, "stopping", NULL);
                s->daemon->stopping = true;
                return NULL;
        }
        return NULL;
}

static void *keeper_thread(void *arg) {
        keeper_run(arg);
        return NULL;
}

static void *images_thread(void *arg) {
        image_cache_run(arg);
        return NULL;
}

static void *expiry_thread(void *arg) {
        expiry_run(arg);
        return NULL;
}

static void *gpu_access_thread(void *arg) {
        gpu_access_run(arg);
        return NULL;
}

static void *notices_thread(void *arg) {
        struct daemon *d = arg;

        notices_run(&d->notices, d->config.notify_command);
        return NULL;
}

/* -1: a private daemon has none. */
static int open_admin_socket(struct daemon *d, int *ret, struct err *err) {
        char path[PATH_MAX];
        int fd;

        *ret = -1;
        if (d->private_mode)
                return 0;
        snprintf(path, sizeof(path), "%s/" ADMIN_SOCKET, d->config.run_dir);
        fd = unix_listen(path, 0600, LISTEN_BACKLOG);
        if (fd < 0)
                return err_set(err, -fd, "can't listen on '%s': %s", path, strerror(-fd));
        *ret = fd;
        return 0;
}

static void *metrics_thread(void *arg) {
        metrics_run(arg);
        return NULL;
}

static void *journal_thread(void *arg) {
        journal_run(arg);
        return NULL;
}

static int serve(struct daemon *d, struct err *err) {
        struct signals signals = { .daemon = d };
        pthread_t keeper, images, expiry, gpu_access, notices, journal, metrics, waiter;
        int fd, admin_fd, r;

        /* Blocked before any thread exists, so that only the waiter gets them. */
        sigemptyset(&signals.set);
        sigaddset(&signals.set, SIGTERM);
        sigaddset(&signals.set, SIGINT);
        sigaddset(&signals.set, SIGHUP);
        pthread_sigmask(SIG_BLOCK, &signals.set, NULL);
        signal(SIGPIPE, SIG_IGN);
        fd = open_socket(d, err);
        if (fd < 0)
                return fd;
        r = open_admin_socket(d, &admin_fd, err);
        if (r == 0)
                r = start_gpus(d, err);
        if (r < 0)
                return r;
        if (pthread_create(&waiter, NULL, signal_thread, &signals) != 0 ||
            pthread_create(&keeper, NULL, keeper_thread, d) != 0 ||
            pthread_create(&images, NULL, images_thread, d) != 0 ||
            pthread_create(&expiry, NULL, expiry_thread, d) != 0 ||
            pthread_create(&gpu_access, NULL, gpu_access_thread, d) != 0 ||
            pthread_create(&notices, NULL, notices_thread, d) != 0 ||
            pthread_create(&journal, NULL, journal_thread, d) != 0 ||
            pthread_create(&metrics, NULL, metrics_thread, d) != 0)
                return err_set(err, EAGAIN, "can't start a thread");
        log_line(LOG_INFO, "listening", "socket", d->config.socket, "version", DS01_VERSION, NULL);
        listener_run(d, fd, admin_fd);
        pthread_join(waiter, NULL);
        pthread_join(keeper, NULL);
        pthread_join(images, NULL);
        pthread_join(expiry, NULL);
        pthread_join(gpu_access, NULL);
        pthread_join(metrics, NULL);
        notices_stop(&d->notices);
        pthread_join(notices, NULL);
        notices_release(&d->notices);
        journal_stop(&d->journal);
        pthread_join(journal, NULL);
        journal_release(&d->journal);
        gpu_monitor_stop(d->gpus);
        close(fd);
        if (admin_fd >= 0)
                close(admin_fd);
        return 0;
}

/* Looks without serving, and changes nothing. */
static int check_machine(struct daemon *d, struct err *err) {
        _cleanup_buf_ struct buf report = BUF_INIT(REPORT_MAX);
        char key[PATH_MAX];
        size_t n;
        int r;

        locks_init(d);
        snprintf(key, sizeof(key), "%s/seal.key", d->config.state_dir);
        if (access(key, R_OK) < 0)
                return err_set(err, errno, "can't read '%s', without which no container is known "
                               "to be ours: %s", key, strerror(errno));
        r = load_limits(&d->config, &d->limits, err);
        if (r == 0)
                r = seal_key_load(key, d->seal_key, sizeof(d->seal_key), err);
        if (r == 0)
                r = open_engine(d, err);
        if (r < 0)
                return r;
        (void)engine_info(d->engine, &d->engine_info, NULL); /* fsck says if it does not answer */
        n = fsck_report(d, true, &report);
        printf("%s\n", buf_str(&report));
        return n > 0;
}

/* The host, whether anything of ours runs or not. */
static int check_host(struct daemon *d, struct err *err) {
        _cleanup_buf_ struct buf report = BUF_INIT(REPORT_MAX);
        struct doctor doctor = { .config = &d->config };
        size_t n;
        int r = open_engine(d, err);

        if (r < 0)
                return r;
        doctor_see(&doctor, d->engine);
        n = doctor_report(&doctor, &report);
        printf("%s\n", buf_str(&report));
        doctor_forget(&doctor);
        return n > 0;
}

static int parse_arguments(int argc, char **argv, struct arguments *a) {
        static const struct option options[] = {
                { "config", required_argument, NULL, 'c' },
                { "check-config", no_argument, NULL, 'k' },
                { "fsck", no_argument, NULL, 'f' },
                { "doctor", no_argument, NULL, 'd' },
                { "private", no_argument, NULL, 'p' },
                { "verbose", no_argument, NULL, 'v' },
                { "version", no_argument, NULL, 'V' },
                { "help", no_argument, NULL, 'h' },
                { NULL, 0, NULL, 0 },
        };
        int option;

        while ((option = getopt_long(argc, argv, "h", options, NULL)) >= 0) {
                switch (option) {
                case 'c':
                        a->config = optarg;
                        break;
                case 'k':
                        a->check = true;
                        break;
                case 'f':
                        a->fsck = true;
                        break;
                case 'd':
                        a->doctor = true;
                        break;
                case 'p':
                        a->private_mode = true;
                        break;
                case 'v':
                        a->verbose = true;
                        break;
                case 'V':
                        printf("ds01d %s\n", DS01_VERSION);
                        return 0;
                case 'h':
                        fputs(help, stdout);
                        return 0;
                default:
                        fputs("Try 'ds01d --help'.\n", stderr);
                        return 2;
                }
        }
        if (optind < argc) {
                fprintf(stderr, "ds01d: unexpected argument '%s'\nTry 'ds01d --help'.\n",
                        argv[optind]);
                return 2;
        }
        return -1;
}

int main(int argc, char **argv) {
        static struct daemon d;
        struct arguments arguments = { 0 };
        struct err err = { 0 };
        int r;

        if (argc == 3 && strcmp(argv[1], GPU_HELPER_ARGUMENT) == 0)
                return gpu_helper_main(GPU_HELPER_FD, argv[2]);
        r = parse_arguments(argc, argv, &arguments);
        if (r >= 0)
                return r;
        if (arguments.check)
                return check_config(&arguments);
        if (arguments.verbose)
                log_set_level(LOG_DEBUG);
        d.private_mode = arguments.private_mode;
        if (!d.private_mode && getuid() != 0) {
                fputs("ds01d: only root can serve everybody; for yourself: ds01d --private\n",
                      stderr);
                return 1;
        }
        r = load_config(&arguments, &d.config, &err);
        if (r == 0 && (arguments.fsck || arguments.doctor)) {
                if (!arguments.verbose)
                        log_set_level(LOG_WARN); /* a person reads it */
                r = arguments.fsck ? check_machine(&d, &err) : check_host(&d, &err);
                if (r >= 0)
                        return r;
        }
        if (r == 0)
                r = daemon_init(&d, &err);
        if (r == 0 && !d.private_mode) {
                r = privileges_reduce();
                if (r < 0)
                        err_set(&err, -r, "can't give up privileges: %s", strerror(-r));
        }
        if (r == 0)
                r = serve(&d, &err);
        if (r < 0) {
                fprintf(stderr, "ds01d: %s\n", err.msg);
                return 1;
        }
        /* Sessions that outlived the wait may still use the rest; the end of the process frees it.
         */
        log_line(LOG_INFO, "stopped", NULL);
        return 0;
}
