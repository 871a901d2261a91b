/* Each command against a scripted daemon: what it asks, what it prints, how it ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "fake.h"

#define THESIS                                                                                     \
        "{\"name\":\"thesis\",\"status\":\"running\",\"image\":\"ds01-1001/thesis:latest\","       \
        "\"project\":\"thesis\",\"gpu\":\"GPU-0\",\"gpu_count\":1,\"gpus\":[{\"index\":0,"         \
        "\"name\":\"GPU-0\",\"uuid\":\"GPU-aa\",\"model\":\"NVIDIA A100-SXM4-40GB\","              \
        "\"weight\":1.0}],\"created_at\":\"2026-11-24T12:00:00Z\","                                \
        "\"started_at\":\"2026-11-24T12:02:00Z\",\"uptime_seconds\":8100,\"held_until\":null,"     \
        "\"workspace\":\"/home/alice/workspace/thesis\",\"engine_name\":\"thesis._.1001\","        \
        "\"id\":\"0123456789abcdef\"}"
#define OLD                                                                                        \
        "{\"name\":\"old\",\"status\":\"stopped\",\"image\":\"ds01-1001/old:latest\","             \
        "\"project\":null,\"gpu\":null,\"gpu_count\":0,\"gpus\":[],"                               \
        "\"created_at\":\"2026-11-20T12:00:00Z\",\"started_at\":null,\"uptime_seconds\":null,"     \
        "\"held_until\":null,\"workspace\":null,\"engine_name\":\"old._.1001\",\"id\":\"ff\"}"
#define HELD                                                                                       \
        "{\"name\":\"held\",\"status\":\"stopped\",\"image\":\"i\",\"gpu\":\"GPU-0\","             \
        "\"gpus\":[{\"name\":\"GPU-0\"}],\"held_until\":\"2026-11-24T14:32:00Z\"}"
#define STOPPED                                                                                    \
        "{\"container\":{\"name\":\"thesis\",\"status\":\"stopped\",\"gpu\":\"GPU-0\","            \
        "\"held_until\":\"2026-11-24T14:32:00Z\"},\"changed\":true,\"notes\":[]}"
#define STOPPED_BOTH                                                                               \
        "{\"container\":{\"name\":\"thesis\",\"status\":\"stopped\",\"gpu\":\"GPU-0,GPU-1\","      \
        "\"held_until\":\"2026-11-24T14:32:00Z\"},\"changed\":true,\"notes\":[]}"
#define RESULT(name, changed)                                                                      \
        "{\"container\":{\"name\":\"" name "\",\"gpu\":\"GPU-0\"},\"changed\":" changed            \
        ",\"notes\":[\"a note\\u001b[31m\"]}"
#define STARTING                                                                                   \
        "{\"error\":{\"code\":\"starting_up\",\"message\":\"reading\",\"next\":\"\",\"exit\":6}}"
#define NOT_FOUND                                                                                  \
        "{\"error\":{\"code\":\"no_such_container\",\"message\":\"no container named 'x'\","       \
        "\"next\":\"see what there is: container-list --all\",\"exit\":4}}"

static struct ran ran;

struct case_row {
        const char *line;
        struct fake_answer answers[4];
        int code;
        const char *out, *err;
};

static void run_cases(const struct case_row *rows, size_t n) {
        for (size_t i = 0; i < n; i++) {
                struct fake fake;
                size_t answers = 0;

                while (answers < 4 && rows[i].answers[answers].expect)
                        answers++;
                fake_start(&fake, rows[i].answers, answers);
                run_client(&fake, &ran, rows[i].line, NULL, 0);
                fake_stop(&fake);
                if (!str_equal(ran.out, rows[i].out) || !str_equal(ran.err, rows[i].err) ||
                    ran.code != rows[i].code)
                        fail_msg("%s: code %d\nstdout:\n%s\nstderr:\n%s", rows[i].line, ran.code,
                                 ran.out, ran.err);
        }
}

static const struct case_row list_rows[] = {
        { "container-list",
          { { "GET /v1/containers", "", 200, "[" THESIS "]" } },
          0,
          "NAME    STATUS   IMAGE                    GPU    UPTIME\n"
          "thesis  running  ds01-1001/thesis:latest  GPU-0  2h 15m\n",
          "" },
        { "container-list --all",
          { { "GET /v1/containers?all=true", "", 200, "[" OLD "," THESIS "]" } },
          0,
          "NAME    STATUS   IMAGE                    GPU    UPTIME\n"
          "old     stopped  ds01-1001/old:latest     -      -\n"
          "thesis  running  ds01-1001/thesis:latest  GPU-0  2h 15m\n",
          "" },
        { "container-list --all",
          { { "GET /v1/containers?all=true", "", 200, "[" HELD "]" } },
          0,
          "NAME  STATUS   IMAGE  GPU    UPTIME\n"
          "held  stopped  i      GPU-0  - (GPU held, 15m left)\n",
          "" },
        { "container-list --all --detailed",
          { { "GET /v1/containers?all=true", "", 200, "[" HELD "]" } },
          0,
          "held\n"
          "  Status     stopped\n"
          "  Image      i\n"
          "  GPU        GPU-0\n"
          "  Held until 14:32 (15m left)\n"
          "  Created    -\n"
          "  Engine     , id \n",
          "" },
        { "container-list -a --format=simple",
          { { "GET /v1/containers?all=true", "", 200, "[" OLD "," THESIS "]" } },
          0,
          "old\nthesis\n",
          "" },
        { "container-list --format json",
          { { "GET /v1/containers", "", 200, "[{\"name\":\"a\"}, {\"name\":\"b\"}]" } },
          0,
          "[\n  {\"name\":\"a\"},\n  {\"name\":\"b\"}\n]\n",
          "" },
        { "container-list --format=json",
          { { "GET /v1/containers", "", 200, "[]" } },
          0,
          "[]\n",
          "" },
        { "container-list",
          { { "GET /v1/containers", "", 200, "[]" } },
          0,
          "",
          "No running containers (container-list --all shows stopped ones)\n" },
        { "container-list --detailed",
          { { "GET /v1/containers", "", 200, "[" THESIS "]" } },
          0,
          "thesis\n"
          "  Status     running for 2h 15m\n"
          "  Image      ds01-1001/thesis:latest\n"
          "  Project    thesis\n"
          "  GPU        GPU-0 (NVIDIA A100-SXM4-40GB)\n"
          "  GPU UUID   GPU-aa\n"
          "  Workspace  /home/alice/workspace/thesis\n"
          "  Created    12:00\n"
          "  Started    12:02\n"
          "  Engine     thesis._.1001, id 0123456789ab\n",
          "" },
        { "container-list",
          { { "GET /v1/containers", "", 200, "[{\"name\": " } },
          1,
          "",
          "container-list: ds01d sent an answer that this client does not understand (the list of "
          "containers)\n  are ds01 and ds01d of the same version? see: ds01 version\n" },
        { "container-list",
          { { "GET /v1/containers", "", 0, NULL } },
          6,
          "",
          "container-list: the connection to ds01d was lost before it answered\n" },
        { "container-list",
          { { "GET /v1/containers", "", 503,
              "{\"error\":{\"code\":\"engine_unreachable\",\"message\":\"no engine\","
              "\"next\":\"tell your administrator\",\"exit\":6}}" } },
          6,
          "",
          "container-list: no engine\n  tell your administrator\n" },
        /* a daemon that is just starting is asked again */
        { "container-list",
          { { "GET /v1/containers", "", 503, STARTING },
            { "GET /v1/containers", "", 503, STARTING },
            { "GET /v1/containers", "", 200, "[]" } },
          0,
          "",
          "No running containers (container-list --all shows stopped ones)\n" },
        { "container-list",
          { { "GET /v1/containers", "", 500, "oops" } },
          1,
          "",
          "container-list: ds01d answered with status 500\n" },
};

static void test_list(void **state) {
        run_cases(list_rows, ARRAY_SIZE(list_rows));
}

#define CREATED                                                                                    \
        "{\"container\":" THESIS ",\"image_source\":\"project\",\"limits\":{\"cpus\":32,"          \
        "\"memory_bytes\":34359738368,\"shm_bytes\":17179869184,\"pids\":4096},"                   \
        "\"created\":true,\"notes\":[]}"
#define CREATED_TEXT                                                                               \
        "container 'thesis'\n"                                                                     \
        "  Image      ds01-1001/thesis:latest (the project's image)\n"                             \
        "  Workspace  /home/alice/workspace/thesis -> /workspace\n"                                \
        "  GPU        GPU-0 (NVIDIA A100-SXM4-40GB)\n"                                             \
        "  Limits     32 CPUs, 32GB memory, 16GB shared memory, 4096 processes\n"
#define NOT_PRESENT                                                                                \
        "{\"error\":{\"code\":\"image_not_present\",\"message\":\"the image 'a/b' is not on this " \
        "machine yet\",\"next\":\"it can be pulled from docker.io\",\"exit\":4}}"

static const struct case_row create_rows[] = {
        { "container-create thesis",
          { { "POST /v1/containers", "{\"name\":\"thesis\"}", 201, CREATED } },
          0,
          "Created " CREATED_TEXT,
          "" },
        { "container-create thesis --dry-run --background --gpu=2 --project=p",
          { { "POST /v1/containers",
              "{\"name\":\"thesis\",\"project\":\"p\",\"gpus\":2,\"dry_run\":true}", 200,
              CREATED } },
          0,
          "Would create " CREATED_TEXT,
          "" },
        { "container-create thesis img --cpu-only -w /a -d=/b --prefer-full",
          { { "POST /v1/containers",
              "{\"name\":\"thesis\",\"image\":\"img\",\"workspace\":\"/a\",\"data\":\"/b\","
              "\"gpus\":0,\"prefer_full\":true}",
              201, CREATED } },
          0,
          "Created " CREATED_TEXT,
          "" },
        { "container-create thesis --workspace=~/x --num-gpus 0 --format=json",
          { { "POST /v1/containers",
              "{\"name\":\"thesis\",\"workspace\":\"/home/alice/x\",\"gpus\":0}", 201,
              "{\"created\":true}\n" } },
          0,
          "{\"created\":true}\n",
          "" },
        { "container-create thesis",
          { { "POST /v1/containers", NULL, 409,
              "{\"error\":{\"code\":\"gpu_none_free\",\"message\":\"1 GPUs asked for, 0 of 4 "
              "free\",\"next\":\"see who holds what: ds01 gpus\",\"exit\":3}}" } },
          3,
          "",
          "container-create: 1 GPUs asked for, 0 of 4 free\n  see who holds what: ds01 gpus\n" },
        { "container-create thesis a/b",
          { { "POST /v1/containers", NULL, 404, NOT_PRESENT },
            { "POST /v1/images/pull", "{\"image\":\"a/b\"}", 200,
              "{\"status\":\"Pulling from a/b\"}\n"
              "{\"id\":\"l1\",\"status\":\"Downloading\",\"current\":1,\"total\":2}\n"
              "{\"id\":\"l1\",\"status\":\"Downloading\",\"current\":2,\"total\":2}\n"
              "{\"id\":\"l1\",\"status\":\"Pull complete\"}\n{\"done\":true}\n" },
            { "POST /v1/containers", "{\"name\":\"thesis\",\"image\":\"a/b\"}", 201, CREATED } },
          0,
          "Created " CREATED_TEXT,
          "Pulling a/b\n  Pulling from a/b\n  l1: Downloading\n  l1: Pull complete\n" },
        { "container-create thesis a/b",
          { { "POST /v1/containers", NULL, 404, NOT_PRESENT },
            { "POST /v1/images/pull", NULL, 200,
              "{\"error\":{\"code\":\"engine_failed\",\"message\":\"no such host\",\"next\":\"\","
              "\"exit\":1}}" } },
          1,
          "",
          "Pulling a/b\ncontainer-create: no such host\n" },
        { "container-create thesis a/b",
          { { "POST /v1/containers", NULL, 404, NOT_PRESENT },
            { "POST /v1/images/pull", NULL, 200, "{\"id\":\"x\",\"status\":\"Waiting\"}\n" } },
          6,
          "",
          "Pulling a/b\n  x: Waiting\n"
          "container-create: the connection to ds01d was lost while 'a/b' was being pulled\n" },
};

static void test_create(void **state) {
        char cwd[512], body[600];
        const struct fake_answer relative = { "POST /v1/containers", body, 201, CREATED };
        struct fake fake;

        setenv("HOME", "/home/alice", 1);
        run_cases(create_rows, ARRAY_SIZE(create_rows));

        assert_non_null(getcwd(cwd, sizeof(cwd)));
        snprintf(body, sizeof(body), "{\"name\":\"t\",\"workspace\":\"%s/data\"}", cwd);
        fake_start(&fake, &relative, 1);
        run_client(&fake, &ran, "container-create t -w data", NULL, 0);
        fake_stop(&fake);
        assert_int_equal(ran.code, 0);
}

static const struct case_row action_rows[] = {
        { "container-start a b x",
          { { "POST /v1/containers/a/start", "", 200, RESULT("a", "true") },
            { "POST /v1/containers/b/start", "", 200, RESULT("b", "false") },
            { "POST /v1/containers/x/start", "", 404, NOT_FOUND } },
          4,
          "Started container 'a' on GPU-0\n  a note?[31m\n"
          "Container 'b' is already running on GPU-0\n",
          "container-start: no container named 'x'\n  see what there is: container-list --all\n" },
        { "container-start a/../b",
          { { "POST /v1/containers/a%2F..%2Fb/start", "", 404, NOT_FOUND } },
          4,
          "",
          "container-start: no container named 'x'\n  see what there is: container-list --all\n" },
        { "container-stop thesis",
          { { "POST /v1/containers/thesis/stop", "{}", 200, STOPPED } },
          0,
          "Stopped container 'thesis'\n  GPU-0 is held for you until 14:32 (15m left)\n",
          "" },
        { "container-stop thesis",
          { { "POST /v1/containers/thesis/stop", "{}", 200, STOPPED_BOTH } },
          0,
          "Stopped container 'thesis'\n  GPU-0,GPU-1 are held for you until 14:32 (15m left)\n",
          "" },
        { "container-stop thesis -f -t 3 -v --keep-container",
          { { "POST /v1/containers/thesis/stop", "{\"timeout\":3,\"force\":true}", 200, STOPPED } },
          0,
          "Stopped container 'thesis'\n  GPU-0 is held for you until 14:32 (15m left)\n",
          "" },
        { "container-stop --all",
          { { "GET /v1/containers?all=true", "", 200, "[" OLD "," THESIS "]" },
            { "POST /v1/containers/thesis/stop", "{}", 200, STOPPED } },
          0,
          "Stopped container 'thesis'\n  GPU-0 is held for you until 14:32 (15m left)\n",
          "" },
        { "container-stop --all",
          { { "GET /v1/containers?all=true", "", 200, "[" OLD "]" } },
          0,
          "",
          "No running containers.\n" },
        { "container-pause a",
          { { "POST /v1/containers/a/pause", "", 200, RESULT("a", "true") } },
          0,
          "Paused container 'a'\n  GPU-0 stays yours meanwhile\n  a note?[31m\n",
          "" },
        { "container-unpause a",
          { { "POST /v1/containers/a/unpause", "", 200, RESULT("a", "false") } },
          0,
          "Container 'a' is not paused\n",
          "" },
        { "container-remove a x --stop -i",
          { { "DELETE /v1/containers/a?stop=true&image=true", "", 200,
              "{\"removed\":true,\"name\":\"a\",\"gpus_freed\":[\"GPU-0\",\"GPU-1\"],"
              "\"image_removed\":\"ds01-1/a\",\"workspace\":\"/home/a\",\"notes\":[]}" },
            { "DELETE /v1/containers/x?stop=true&image=true", "", 404, NOT_FOUND } },
          4,
          "Removed container 'a'\n  GPU-0, GPU-1 are free again\n  image ds01-1/a was removed\n"
          "  your files stay in /home/a\n",
          "container-remove: no container named 'x'\n  see what there is: container-list --all\n" },
        { "container-remove a --dry-run --force --volumes --skip-removal-confirm",
          { { "DELETE /v1/containers/a?dry_run=true", "", 200,
              "{\"removed\":false,\"name\":\"a\",\"gpus_freed\":[\"GPU-0\"],"
              "\"image_removed\":null,\"workspace\":null,\"notes\":[]}" } },
          0,
          "Would remove container 'a'\n  GPU-0 would be free\n",
          "" },
        { "container-remove --all --force",
          { { "GET /v1/containers?all=true", "", 200, "[" OLD "," THESIS "]" },
            { "DELETE /v1/containers/old", "", 200,
              "{\"removed\":true,\"name\":\"old\",\"gpus_freed\":[],\"image_removed\":null,"
              "\"workspace\":null,\"notes\":[]}" } },
          0,
          "Removed container 'old'\n",
          "" },
};

static void test_actions(void **state) {
        run_cases(action_rows, ARRAY_SIZE(action_rows));
}

static const struct case_row query_rows[] = {
        { "container-stats",
          { { "GET /v1/stats", "", 200,
              "[{\"name\":\"my-thesis\",\"cpu_percent\":125.0,\"memory_used_bytes\":8804682957,"
              "\"memory_limit_bytes\":34359738368,\"memory_percent\":25.2,"
              "\"gpu_memory_used_bytes\":12884901888,\"gpu_memory_total_bytes\":42949672960,"
              "\"gpu_percent\":85},{\"name\":\"cpu\",\"cpu_percent\":0.0,"
              "\"memory_used_bytes\":1048576,\"memory_limit_bytes\":null,\"memory_percent\":null,"
              "\"gpu_memory_used_bytes\":null,\"gpu_memory_total_bytes\":null,"
              "\"gpu_percent\":null}]" } },
          0,
          "NAME       CPU %  MEM USAGE   MEM %  GPU MEM    GPU %\n"
          "my-thesis  125%   8.2GB/32GB  25%    12GB/40GB  85%\n"
          "cpu        0%     1MB         -      -          -\n",
          "" },
        { "container-stats a b&c --format=json",
          { { "GET /v1/stats?name=a&name=b%26c", "", 200, "[{\"name\":\"a\"}]" } },
          0,
          "[\n  {\"name\":\"a\"}\n]\n",
          "" },
        { "ds01 gpus",
          { { "GET /v1/gpus", "", 200,
              "[{\"name\":\"GPU-0\",\"index\":0,\"uuid\":\"u\",\"model\":\"A100\",\"weight\":1.0,"
              "\"memory_total_bytes\":42949672960,\"memory_used_bytes\":12884901888,"
              "\"gpu_percent\":85,\"temperature_celsius\":61,"
              "\"state\":\"allocated\",\"user\":\"alice\","
              "\"container\":\"thesis\",\"since\":\"2026-11-24T12:00:00Z\",\"held_until\":null,"
              "\"detail\":null},"
              "{\"name\":\"GPU-1\",\"model\":\"A100\",\"memory_total_bytes\":42949672960,"
              "\"memory_used_bytes\":0,\"gpu_percent\":null,\"state\":\"held\",\"user\":\"bob\","
              "\"container\":null,\"since\":\"2026-11-24T12:00:00Z\","
              "\"held_until\":\"2026-11-24T14:32:00Z\",\"detail\":null},"
              "{\"name\":\"GPU-2\",\"model\":\"A100\",\"memory_total_bytes\":42949672960,"
              "\"memory_used_bytes\":null,\"gpu_percent\":null,\"state\":\"failed\","
              "\"user\":null,\"container\":null,\"since\":null,\"held_until\":null,"
              "\"detail\":\"Xid 79\"}]" } },
          0,
          "GPU    MODEL  MEMORY     LOAD  TEMP  STATE           USER   CONTAINER  SINCE\n"
          "GPU-0  A100   12GB/40GB  85%   61C   allocated       alice  thesis     12:00\n"
          "GPU-1  A100   0B/40GB    -     -     held, 15m left  bob    -          12:00\n"
          "GPU-2  A100   ?/40GB     -     -     failed: Xid 79  -      -          -\n",
          "" },
        { "check-limits",
          { { "GET /v1/limits", "", 200,
              "{\"user\":\"alice\",\"group\":\"student\",\"containers\":{\"used\":2,\"max\":3},"
              "\"gpus\":{\"used\":1.5,\"max\":null,\"max_per_container\":2},"
              "\"cpus_per_container\":32.0,\"memory_bytes_per_container\":34359738368,"
              "\"shm_bytes_per_container\":17179869184,\"pids_per_container\":null,"
              "\"total_cpus\":null,\"total_memory_bytes\":null,\"idle_timeout_seconds\":1800,"
              "\"max_runtime_seconds\":86400,\"gpu_hold_after_stop_seconds\":900,"
              "\"created_container_timeout_seconds\":1800,\"holds\":[{\"container\":\"thesis\","
              "\"gpu\":\"GPU-0\",\"held_until\":\"2026-11-24T14:32:00Z\",\"seconds_left\":812}]"
              "}" } },
          0,
          "Limits of alice (group student)\n"
          "\n"
          "In use\n"
          "  Containers             2 of 3\n"
          "  GPUs                   1.5 (no limit), at most 2 in one container\n"
          "\n"
          "Each container\n"
          "  CPUs                   32\n"
          "  Memory                 32GB\n"
          "  Shared memory          16GB\n"
          "  Processes              no limit\n"
          "\n"
          "Times\n"
          "  GPU held after stop    15m\n"
          "  GPU held before start  30m\n"
          "  Idle timeout           30m\n"
          "  Longest run            1d 0h\n"
          "\n"
          "Held for you without running (container-remove NAME frees it)\n"
          "CONTAINER  GPU    HELD UNTIL  LEFT\n"
          "thesis     GPU-0  14:32       14m\n",
          "" },
        { "get limits --format=json",
          { { "GET /v1/limits", "", 200, "{\"user\": \"alice\"}" } },
          0,
          "{\"user\": \"alice\"}\n",
          "" },
        { "ds01 version",
          { { "GET /v1/version", "", 200,
              "{\"version\":\"0.1.0\",\"engine\":null,\"runtime\":\"ds01\"}" } },
          0,
          "ds01    " DS01_VERSION "\nds01d   0.1.0\nengine  not answering\nruntime ds01\n",
          "" },
};

static void test_queries(void **state) {
        run_cases(query_rows, ARRAY_SIZE(query_rows));
}

#define IMAGE(name, size, created)                                                                 \
        "{\"reference\":\"ds01-12345/" name ":latest\","                                           \
        "\"repository\":\"ds01-12345/" name "\",\"tag\":\"latest\",\"id\":\"sha256:1\","           \
        "\"size_bytes\":" size ",\"created_at\":\"" created "\",\"project\":\"" name               \
        "\",\"mine\":true,\"containers\":[\"a\",\"b\"]}"
#define IMAGES                                                                                     \
        "[" IMAGE("my-thesis", "8804682956", "2026-11-22T12:00:00Z") ","                           \
        IMAGE("experiment", "6979321856", "2026-11-17T00:00:00Z") "]"
#define IMAGE_DELETED "{\"removed\":true,\"image\":\"i\",\"id\":\"x\",\"size_bytes\":2048}"
#define IMAGE_IN_USE                                                                               \
        "{\"error\":{\"code\":\"image_in_use\",\"message\":\"used by a\","                         \
        "\"next\":\"remove it\",\"exit\":1}}"

static const struct case_row image_rows[] = {
        /* as the contract shows it */
        { "image-list",
          { { "GET /v1/images", "", 200, IMAGES } },
          0,
          "REPOSITORY             TAG     SIZE   CREATED\n"
          "ds01-12345/my-thesis   latest  8.2GB  2 days ago\n"
          "ds01-12345/experiment  latest  6.5GB  1 week ago\n",
          "" },
        { "image list --all --format=simple",
          { { "GET /v1/images?all=true", "", 200, IMAGES } },
          0,
          "ds01-12345/my-thesis:latest\nds01-12345/experiment:latest\n",
          "" },
        { "image-list --format=json", { { "GET /v1/images", "", 200, "[]" } }, 0, "[]\n", "" },
        { "image-list",
          { { "GET /v1/images", "", 200, "[]" } },
          0,
          "",
          "No images of yours yet (image-create PROJECT builds one; image-list --all shows the "
          "site's)\n" },
        { "image-list",
          { { "GET /v1/images", "", 200, "[{\"id\":" } },
          1,
          "",
          "image-list: ds01d sent an answer that this client does not understand (the list of "
          "images)\n  are ds01 and ds01d of the same version? see: ds01 version\n" },
        { "image-remove thesis other:latest --force --keep-dockerfile",
          { { "DELETE /v1/images/thesis", "", 200, IMAGE_DELETED },
            { "DELETE /v1/images/other", "", 409, IMAGE_IN_USE } },
          1,
          "Deleted image 'i' (2KB)\n",
          "image-delete: used by a\n  remove it\n" },
        { "image-delete --all",
          { { "GET /v1/images", "", 200, "[]" } },
          0,
          "",
          "No images of yours.\n" },
        { "image-delete ds01-1/x",
          { { NULL } },
          4,
          "",
          "image-delete: you have no image named 'ds01-1/x'\n  see what there is: image-list\n" },
        { "image-delete x:2",
          { { NULL } },
          4,
          "",
          "image-delete: you have no image named 'x:2'\n  see what there is: image-list\n" },
        { "image-delete",
          { { NULL } },
          2,
          "",
          "image-delete: the name of an image is missing\n"
          "  image-delete NAME, or image-delete --all; image-list shows the names\n" },
        { "image-delete x --all",
          { { NULL } },
          2,
          "",
          "image-delete: names and --all exclude each other\n"
          "  image-delete NAME, or image-delete --all; image-list shows the names\n" },
        { "image-delete x --keep-dockerfile --with-dockerfile",
          { { NULL } },
          2,
          "",
          "image-delete: --keep-dockerfile and --with-dockerfile exclude each other\n" },
};

static void test_images(void **state) {
        unsetenv("HOME");
        run_cases(image_rows, ARRAY_SIZE(image_rows));
}

/* 500 rows arrive whole and in order, at any size of the terminal. */
static void test_many(void **state) {
        static char body[500 * 900];
        struct fake_answer answer = { "GET /v1/containers", NULL, 200, body };
        size_t used = 0, lines = 0;
        struct fake fake;

        body[used++] = '[';
        for (int i = 0; i < 500; i++)
                used += (size_t)snprintf(body + used, sizeof(body) - used,
                                         "%s{\"name\":\"c%03d\",\"status\":\"running\","
                                         "\"image\":\"ds01-1/x:latest\",\"gpu\":null,"
                                         "\"uptime_seconds\":%d}",
                                         i ? "," : "", i, i);
        body[used++] = ']';
        fake_start(&fake, &answer, 1);
        run_client(&fake, &ran, "container-list", NULL, 80);
        fake_stop(&fake);
        assert_int_equal(ran.code, 0);
        for (const char *p = ran.out; (p = strchr(p, '\n')); p++)
                lines++;
        assert_int_equal(lines, 501);
        assert_non_null(strstr(ran.out, "c499  running  ds01-1/x:latest  -    8m\n"));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_list),    cmocka_unit_test(test_create),
                cmocka_unit_test(test_actions), cmocka_unit_test(test_queries),
                cmocka_unit_test(test_images),  cmocka_unit_test(test_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
