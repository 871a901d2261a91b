/* A Dockerfile that was taken and written anew is taken again, with the same instructions and the
 * same images, and written a second time it stays as it is but for what is put in each time. */
#include "base/buf.h"
#include "core/recipe.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
        if (!ok)
                __builtin_trap();
}

static void compare(const struct recipe *first, const struct recipe *second,
                    const struct recipe_lines *lines) {
        check(second->steps.len == lines->step.len);
        for (size_t i = 0; i < lines->step.len; i++) {
                const struct recipe_step *b = &second->steps.items[i];
                const struct recipe_step *a;

                check(b->line == lines->first + i + 1);
                if (lines->step.items[i] < 0) {
                        check(!b->image && !b->stage_name);
                        continue;
                }
                a = &first->steps.items[lines->step.items[i]];
                check(a->word == b->word && a->stage == b->stage);
                check(!a->image == !b->image && (!a->image || !strcmp(b->image, "image")));
                check(!a->stage_name == !b->stage_name);
                if (!a->image && !a->stage_name)
                        check(strcmp(a->args, b->args) == 0);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const prologue[] = { "LABEL k=v", NULL };
        _cleanup_buf_ struct buf out = BUF_INIT(16 * RECIPE_MAX);
        struct recipe first = { 0 }, second = { 0 };
        struct recipe_lines lines = { 0 };
        struct recipe_fault fault = { 0 };
        const char **images;

        if (size > RECIPE_MAX || recipe_read((const char *)data, size, &first, &fault) < 0)
                return 0;
        images = calloc(first.steps.len, sizeof(*images));
        check(images != NULL);
        for (size_t i = 0; i < first.steps.len; i++)
                images[i] = "image";
        if (recipe_write(&first, images, prologue, &out, &lines) == 0) {
                /* What is put in may make it too long, or "image" be the name of a stage. */
                if (recipe_read(out.data, out.len, &second, &fault) == 0) {
                        if (!memmem(data, size, "image", 5) && !memmem(data, size, "IMAGE", 5))
                                compare(&first, &second, &lines);
                        recipe_release(&second);
                } else {
                        check(strstr(fault.message, "instructions") != NULL ||
                              strstr(fault.message, "too long") != NULL);
                }
                recipe_lines_release(&lines);
        }
        free(images);
        recipe_release(&first);
        return 0;
}
