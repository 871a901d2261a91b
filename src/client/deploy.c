/* See deploy.h. */
#include "client/deploy.h"

#include "base/str.h"
#include "client/attach.h"
#include "client/guide.h"
#include "client/project.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
        static const char text[] = "\nending after this step; Ctrl-C again ends at once\n";
        ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);

        (void)ignored;
        (void)signal_number;
        interrupted = 1;
}

/* Steps of milliseconds are not cut in two: Ctrl-C is heeded between them. What may take long (the
 * queue) is left at once instead, since nothing has been made by then. */
static void hold_interrupts(bool hold) {
        struct sigaction action = { .sa_handler = hold ? on_interrupt : SIG_DFL,
                                    .sa_flags = SA_RESTART | (hold ? (int)SA_RESETHAND : 0) };

        sigemptyset(&action.sa_mask);
        sigaction(SIGINT, &action, NULL);
}

int deploy_check(struct cli *c, const struct deploy_options *o) {
        if (o->open && o->background) {
                cli_error(c, "--open and --background exclude each other");
                return EXIT_USAGE;
        }
        if (o->framework && o->create.image) {
                cli_error(c, "--framework and --image exclude each other");
                return EXIT_USAGE;
        }
        return create_check(c, &o->create);
}

static int find_base(struct cli *c, const char *name, char *dst, size_t size) {
        _cleanup_catalogue_ struct catalogue catalogue = { 0 };
        const struct catalogue_framework *framework;
        struct err err = { 0 };
        int r = project_catalogue(c, &catalogue);

        if (r != EXIT_DONE)
                return r;
        framework = catalogue_framework(&catalogue, name, &err);
        if (framework && !framework->base[0])
                err_set(&err, EINVAL, "the framework '%s' has no image; use --image", name);
        if (!framework || !framework->base[0]) {
                cli_error(c, "%s", err.msg);
                return EXIT_USAGE;
        }
        str_copy(dst, size, framework->base);
        return EXIT_DONE;
}

static int undo(struct cli *c, const char *name, const struct deploy_options *o, int code) {
        const struct remove_options removal = { .stop = true };

        if (o->keep) {
                cli_error_next(c, "the container stays: container-start %s, or container-remove %s",
                               name, name);
                return code;
        }
        (void)remove_container(c, name, &removal);
        return code;
}

int deploy_container(struct cli *c, const char *name, const struct deploy_options *o) {
        struct create_options create = o->create;
        char base[512];
        int r = EXIT_DONE;

        if (o->framework) {
                r = find_base(c, o->framework, base, sizeof(base));
                create.image = base;
        }
        if (r != EXIT_DONE)
                return r;
        hold_interrupts(!create.wait);
        guide_before(c, "container-create", name);
        r = create_container(c, name, &create);
        if (r != EXIT_DONE || create.dry_run)
                return r;
        guide_after(c, "container-create", name);
        guide_before(c, "container-start", name);
        fflush(c->out);
        hold_interrupts(true);
        if (interrupted)
                return undo(c, name, o, EXIT_INTERRUPTED);
        r = start_container(c, name, NULL);
        if (r != EXIT_DONE)
                return undo(c, name, o, r);
        if (interrupted)
                return undo(c, name, o, EXIT_INTERRUPTED);
        hold_interrupts(false);
        fflush(c->out);
        guide_after(c, "container-start", name);
        if (o->open)
                guide_before(c, "container-attach", name);
        return o->open ? attach(c, name, NULL, 0) : EXIT_DONE;
}
