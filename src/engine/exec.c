/* Exec sessions: created, started with the connection handed over, resized, looked at. */
#include "engine/internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <errno.h>
#include <string.h>

/* With a terminal the engine watches its input for the keys that detach, by default ctrl-p ctrl-q
 * (and swallows a lone ctrl-p until the next key); an empty value means the default. */
static const char detach_keys[] = "ctrl-^,ctrl-^,ctrl-^,ctrl-^";

enum { EXEC_START_S = 60, CONSOLE_SIZE_MINOR = 42 };

static void write_spec(struct buf *body, const struct engine_exec_spec *spec, int minor) {
        struct json_writer w = JSON_WRITER(body);

        json_write_object(&w);
        json_put_bool(&w, "AttachStdin", true);
        json_put_bool(&w, "AttachStdout", true);
        json_put_bool(&w, "AttachStderr", true);
        json_put_bool(&w, "Tty", spec->tty);
        json_put_bool(&w, "Privileged", false);
        json_put_str(&w, "DetachKeys", detach_keys);
        if (spec->user)
                json_put_str(&w, "User", spec->user);
        if (spec->working_dir)
                json_put_str(&w, "WorkingDir", spec->working_dir);
        engine_write_strings(&w, "Env", spec->env);
        engine_write_strings(&w, "Cmd", spec->command);
        if (spec->tty && spec->rows > 0 && spec->columns > 0 && minor >= CONSOLE_SIZE_MINOR) {
                json_write_key(&w, "ConsoleSize");
                json_write_array(&w);
                json_write_int(&w, spec->rows);
                json_write_int(&w, spec->columns);
                json_write_array_end(&w);
        }
        json_write_object_end(&w);
}

int engine_exec_create(struct engine *e, const char *container, const struct engine_exec_spec *spec,
                       char ret_id[ENGINE_ID_SIZE], struct engine_error *err) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_POST);
        _cleanup_json_ json_t *root = NULL;
        struct engine_error own;
        const char *id;
        int minor;

        if (!err)
                err = &own;
        minor = engine_negotiate(e, err);
        if (minor < 0)
                return -1;
        engine_call_path(&call, "containers", container, "exec");
        write_spec(&call.body, spec, minor);
        if (engine_do_json(e, &call, &root, err) < 0)
                return engine_explain_500(e, container, ENGINE_STATE(ENGINE_RUNNING), err);
        id = json_str(root, "Id");
        if (!id || strlen(id) != ENGINE_ID_SIZE - 1)
                return engine_fail(err, 0, false, "the engine's answer has no id");
        str_copy(ret_id, ENGINE_ID_SIZE, id);
        return 0;
}

int engine_exec_start(struct engine *e, const char *exec_id, bool tty, int *ret_fd,
                      struct buf *early, struct engine_error *err) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_POST, .upgrade = true);
        _cleanup_buf_ struct buf body = BUF_INIT(65536);
        int64_t deadline = clock_mono_us() + EXEC_START_S * US_PER_S;
        struct json_writer w = JSON_WRITER(&call.body);
        struct engine_stream s;
        int status, r;

        engine_call_path(&call, "exec", exec_id, "start");
        json_write_object(&w);
        json_put_bool(&w, "Detach", false);
        json_put_bool(&w, "Tty", tty);
        json_write_object_end(&w);
        if (engine_stream_open(e, &call, deadline, &s, err) < 0)
                return -1;
        status = s.reader.head.status;
        if (status == 101) {
                r = s.in.len > 0 ? buf_add(early, s.in.data, s.in.len) : 0;
                if (r == 0)
                        *ret_fd = TAKE_FD(s.fd);
                engine_stream_close(e, &s);
                return r < 0 ? engine_no_memory(err) : 0;
        }
        do
                r = engine_stream_read(&s, &body, deadline);
        while (r > 0);
        engine_stream_close(e, &s);
        if (status < 300)
                return engine_fail(err, 0, false, "the engine did not hand the session over");
        return engine_fail_answer(err, status, &body);
}

int engine_exec_resize(struct engine *e, const char *exec_id, int rows, int columns,
                       struct engine_error *err) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_POST);

        engine_call_path(&call, "exec", exec_id, "resize");
        engine_call_param_int(&call, "h", rows);
        engine_call_param_int(&call, "w", columns);
        return engine_do_plain(e, &call, err);
}

int engine_exec_inspect(struct engine *e, const char *exec_id, struct engine_exec_state *ret,
                        struct engine_error *err) {
        _cleanup_call_ struct engine_call call = ENGINE_CALL(HTTP_GET);
        _cleanup_json_ json_t *root = NULL;
        struct engine_exec_state state = { .exit_code = -1 };

        engine_call_path(&call, "exec", exec_id, "json");
        if (engine_do_json(e, &call, &root, err) < 0)
                return -1;
        if (!json_is_boolean(json_object_get(root, "Running")))
                return engine_fail(err, 0, false, "the engine's answer is incomplete");
        state.running = json_bool_or(root, "Running", false);
        /* podman gives 0 while it runs, Docker null. */
        if (!state.running)
                state.exit_code = (int)json_int_or(root, "ExitCode", -1);
        state.pid = (pid_t)json_int_or(root, "Pid", 0);
        *ret = state;
        return 0;
}
