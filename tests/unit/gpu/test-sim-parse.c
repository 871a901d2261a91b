/* The parser of the simulator's file: what it refuses and how it says so. */
#include "gpu/sim/sim.h"

#include "base/cleanup.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void refused(void **state) {
        static const struct {
                const char *text, *message;
        } cases[] = {
                { "gpu", "f:1: gpu: what?" },
                { "gpus 2\n\n# x\nbogus 1\n", "f:4: unknown statement 'bogus'" },
                { "gpus 65", "f:1: gpus: '65' is no number from 1 to 64" },
                { "gpus 2\ngpus 2", "f:2: gpus: there are GPUs already" },
                { "gpu 1", "f:1: there is no GPU 1" },
                { "gpus 2 uuid=GPU-1", "f:1: gpus: uuid is for one GPU" },
                { "gpu 0 colour=red", "f:1: unknown key 'colour'" },
                { "gpu 0 util", "f:1: 'util' is not KEY=VALUE" },
                { "gpu 0 util=101", "f:1: util: '101' is no number from 0 to 100" },
                { "gpu 0 memory=lots", NULL },
                { "gpu 0 model=", "f:1: model is empty or too long" },
                { "gpu 0 model=\"A", "f:1: a quote is not closed" },
                { "gpu 0 pci=7", "f:1: pci: '7' is not like 0000:07:00.0" },
                { "gpu 0\nmig 0 7", "f:2: mig: '7' is no slot from 0 to 6" },
                { "gpu 0\nmig 0 1 profile=big", "f:2: profile: 'big' is not like 1g.5gb" },
                { "gpu 0\nmig 0 1\nmig 0 1", "f:3: mig: slot 1 is taken" },
                { "gpus 2\nnvlink 0 1", "f:2: nvlink GPU GPU COUNT" },
                { "gpus 3\nnvlink 0 1 20\nnvlink 0 2 20",
                  "f:3: nvlink: a GPU has 36 links at most" },
                { "gpus 2\npcie 0 1 far", "f:2: pcie: 'far' is not pix, pxb, phb, node or sys" },
                { "process 0 pid=1", "f:1: there is no GPU or instance '0'" },
                { "gpu 0\nprocess 0 memory=1g", "f:2: process: pid is missing" },
                { "gpu 0\nfault 0 sick", "f:2: fault: 'sick' is not lost, remap, ecc or xid=N" },
                { "fault error=X", "f:1: fault error=FUNCTION:CODE" },
                { "slow 3", "f:1: slow ms=MILLISECONDS" },
                { "stride 16", "f:1: stride 24|32" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct sim_state *s = NULL;
                char message[256] = "";

                assert_int_equal(sim_parse("f", cases[i].text, strlen(cases[i].text), &s, message,
                                           sizeof(message)),
                                 -EINVAL);
                assert_null(s);
                if (cases[i].message)
                        assert_string_equal(message, cases[i].message);
        }
}

static void accepted(void **state) {
        static const char text[] = "  gpus 3 memory=80GiB # comment\r\n\n"
                                   "gpu 1 uuid=GPU-x model=\"A B\" pci=0001:0a:1f.0 used=1g\n"
                                   "gpu 3 util=7\n"
                                   "mig 2 5 profile=1c.2g.10gb slices=2 uuid=MIG-y\n"
                                   "process GPU-x pid=1 memory=2g\nprocess 2.5 pid=2 memory=3g\n"
                                   "process MIG-y pid=3 memory=4g\n"
                                   "fault hang=Init_v2\nfault error=Init_v2:9\nslow ms=5";
        struct sim_state *s = NULL;
        char message[256] = "";

        assert_int_equal(sim_parse("f", text, strlen(text), &s, message, sizeof(message)), 0);
        assert_int_equal(s->ngpus, 4);
        assert_int_equal(s->gpus[0].memory, 80LL << 30);
        assert_string_equal(s->gpus[1].model, "A B");
        assert_int_equal(s->gpus[1].domain, 1);
        assert_int_equal(s->gpus[1].bus, 10);
        assert_int_equal(s->gpus[1].device, 31);
        assert_true(s->gpus[2].partitioned);
        assert_int_equal(s->gpus[2].migs[5].slices, 2);
        assert_int_equal(s->gpus[2].migs[5].gi_slices, 2);
        assert_int_equal(s->nprocesses, 3);
        assert_int_equal(sim_memory_used(s, 1, -1), 1LL << 30); /* said, not summed */
        assert_int_equal(sim_memory_used(s, 2, 5), 7LL << 30);
        assert_int_equal(sim_memory_used(s, 2, -1), 7LL << 30);
        assert_int_equal(s->ncalls, 2);
        assert_true(s->calls[0].hang);
        assert_int_equal(s->calls[1].result, 9);
        assert_int_equal(s->slow_ms, 5);
        sim_free(s);
}

/* The names of devices are the same in every run and on every machine. */
static void stable_uuids(void **state) {
        struct sim_state *a = NULL, *b = NULL;
        char message[256];

        assert_int_equal(sim_parse("f", "gpus 2\nmig 0 0", 14, &a, message, sizeof(message)), 0);
        assert_int_equal(sim_parse("f", "gpus 9\nmig 0 0", 14, &b, message, sizeof(message)), 0);
        assert_string_equal(a->gpus[1].uuid, b->gpus[1].uuid);
        assert_string_equal(a->gpus[0].migs[0].uuid, b->gpus[0].migs[0].uuid);
        for (size_t i = 0; i < b->ngpus; i++)
                for (size_t k = 0; k < i; k++)
                        assert_string_not_equal(b->gpus[i].uuid, b->gpus[k].uuid);
        sim_free(a);
        sim_free(b);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(refused),
                cmocka_unit_test(accepted),
                cmocka_unit_test(stable_uuids),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
