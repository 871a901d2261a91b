/*
 * Asking step by step for what a command needs, below the prompt. What comes out is the words of a
 * command line that does the same; until it is complete nothing is done, and who leaves at any step
 * (Esc, Ctrl-C, Ctrl-D) leaves nothing behind.
 */
#pragma once

#include "client/command.h"
#include "client/picker.h"

/* Asks for a line; @text is the default, which can be changed. False when the person left, said. */
bool ask_line(struct cli *c, const char *label, char *text, size_t size);
/* Lets the person choose one; @first is marked to begin with. Its index, or -1 when they left,
 * said. */
int ask_choice(struct cli *c, const char *title, struct picker_item *items, size_t n,
               size_t first);

/* Adds a word to @words, which starts zeroed and is freed with names_free(). 0 or -ENOMEM. */
int ask_add(struct operands *words, const char *fmt, ...) _printf_(2, 3);
/* Prints the command as it can be typed. */
void ask_show(struct cli *c, const struct operands *words);

/* Two questions that several commands ask. Each is EXIT_DONE, or an exit code after saying why
 * not. @none: what is offered besides the projects there are, and gives "". */
int ask_project(struct cli *c, const char *none, char *dst, size_t size, bool *ret_dockerfile);
/* How many GPUs, with what is free and what the limits allow. */
int ask_gpus(struct cli *c, char *dst, size_t size);
/* Project, name and GPUs of a new container, as the words of container-create and the like. */
int ask_container(struct cli *c, struct operands *ret);
