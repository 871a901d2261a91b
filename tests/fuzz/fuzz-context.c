/* The filter of build contexts: what it lets through, it lets through again unchanged, and how the
 * bytes are cut into pieces makes no difference. */
#include "base/buf.h"
#include "daemon/context.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

static int filter(const char *bytes, size_t n, size_t step, struct buf *out, struct buf *recipe) {
        _cleanup_buf_ struct buf in = BUF_INIT(4 << 20), some = BUF_INIT(2 * CONTEXT_OUT_MIN);
        struct context *c = malloc(sizeof(*c));
        struct refusal r = { 0 };
        int refused = 0;

        check(c != NULL);
        context_init(c, "Dockerfile", 1 << 20);
        for (size_t at = 0; !refused && at < n; at += step) {
                size_t before;

                buf_add(&in, bytes + at, n - at < step ? n - at : step);
                do {
                        before = in.len;
                        refused = context_feed(c, &in, &some, &r);
                        buf_add(out, buf_str(&some), some.len);
                        buf_reset(&some);
                } while (!refused && in.len < before);
        }
        if (!refused)
                refused = context_complete(c, &r);
        if (!refused) {
                buf_add(recipe, buf_str(&c->recipe), c->recipe.len);
                check(context_put_recipe(c, c->recipe.len, out) == 0);
                buf_add(out, buf_str(&c->recipe), c->recipe.len);
                check(context_put_end(c->recipe.len, out) == 0);
        }
        context_release(c);
        free(c);
        return refused;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _cleanup_buf_ struct buf first = BUF_INIT(8 << 20), second = BUF_INIT(8 << 20);
        _cleanup_buf_ struct buf third = BUF_INIT(8 << 20), recipe = BUF_INIT(RECIPE_MAX);
        const char *bytes = (const char *)data;
        int r;

        if (size > 1 << 20)
                return 0;
        r = filter(bytes, size, 4096, &first, &recipe);
        check(filter(bytes, size, 511, &second, &recipe) == r);
        if (r)
                return 0;
        check(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
        /* A name that is now longer than a header's costs blocks of its own. */
        if (filter(first.data, first.len, 4096, &third, &recipe) == 0)
                check(first.len == third.len && memcmp(first.data, third.data, first.len) == 0);
        else
                check(first.len > 1 << 19);
        return 0;
}
