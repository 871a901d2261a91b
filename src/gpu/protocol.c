/* The two messages between daemon and helper; see the header. */
#include "gpu/protocol.h"

#include "base/str.h"

#include <errno.h>
#include <string.h>

#define MAGIC 0x44533147u

struct body {
        int32_t status;
        char message[256];
        uint32_t ndevices, ngpus, nprocesses;
        int64_t taken_us;
};

void protocol_answer_release(struct protocol_answer *a) {
        gpu_inventory_release(&a->inventory);
        gpu_processes_release(&a->processes);
        gpu_sample_release(&a->sample);
}

struct protocol_head protocol_request_head(enum protocol_request request) {
        return (struct protocol_head){ .magic = MAGIC, .request = request };
}

bool protocol_head_valid(const struct protocol_head *h, enum protocol_request request) {
        return h->magic == MAGIC && h->request == (uint32_t)request &&
               h->length >= sizeof(struct body) && h->length <= PROTOCOL_BYTES_MAX;
}

static int add_array(struct buf *b, const void *items, size_t n, size_t size) {
        return n ? buf_add(b, items, n * size) : 0;
}

int protocol_write_answer(enum protocol_request request, const struct protocol_answer *a,
                          struct buf *b) {
        bool sample = request == PROTOCOL_SAMPLE;
        const struct gpu_processes *processes = sample ? &a->sample.processes : &a->processes;
        struct protocol_head head = protocol_request_head(request);
        struct body body = { .status = a->status };
        size_t start = b->len;
        int r;

        str_copy(body.message, sizeof(body.message), a->message);
        if (a->status == 0) {
                body.ndevices = (uint32_t)(sample ? a->sample.ndevices : a->inventory.ndevices);
                body.ngpus = sample ? 0 : (uint32_t)a->inventory.ngpus;
                body.nprocesses = (uint32_t)(processes->n < PROTOCOL_PROCESSES_MAX
                                                     ? processes->n
                                                     : PROTOCOL_PROCESSES_MAX);
                body.taken_us = a->sample.taken_us;
        }
        r = buf_add(b, &head, sizeof(head));
        if (r == 0)
                r = buf_add(b, &body, sizeof(body));
        if (r == 0 && sample)
                r = add_array(b, a->sample.devices, body.ndevices, sizeof(*a->sample.devices));
        if (r == 0 && !sample)
                r = add_array(b, a->inventory.devices, body.ndevices,
                              sizeof(*a->inventory.devices));
        if (r == 0 && !sample)
                r = add_array(b, a->inventory.links, (size_t)body.ngpus * body.ngpus, 1);
        if (r == 0)
                r = add_array(b, processes->items, body.nprocesses, sizeof(*processes->items));
        if (r < 0)
                return r;
        head.length = (uint32_t)(b->len - start - sizeof(head));
        memcpy(b->data + start, &head, sizeof(head));
        return 0;
}

/* Copies the next @n items out of the body into memory of their own. NULL: no memory. */
static void *take_array(const char **at, size_t n, size_t size) {
        void *items = calloc(n ? n : 1, size);

        if (items && n)
                memcpy(items, *at, n * size);
        *at += n * size;
        return items;
}

static bool ends(const char *s, size_t size) {
        return memchr(s, '\0', size) != NULL;
}

static bool inventory_valid(const struct protocol_answer *a) {
        for (size_t i = 0; i < a->inventory.ndevices; i++) {
                const struct gpu_device *d = &a->inventory.devices[i];

                if (!ends(d->uuid, sizeof(d->uuid)) || !ends(d->name, sizeof(d->name)) ||
                    !ends(d->model, sizeof(d->model)) ||
                    !ends(d->health_detail, sizeof(d->health_detail)) ||
                    !ends(d->foreign_user, sizeof(d->foreign_user)) || d->gpu < 0 ||
                    (size_t)d->gpu >= a->inventory.ngpus)
                        return false;
        }
        for (size_t i = 0; i < a->processes.n; i++)
                if (a->processes.items[i].device >= a->inventory.ndevices)
                        return false;
        return true;
}

static bool sample_valid(const struct gpu_sample *s) {
        for (size_t i = 0; i < s->ndevices; i++)
                if (!ends(s->devices[i].uuid, sizeof(s->devices[i].uuid)))
                        return false;
        for (size_t i = 0; i < s->processes.n; i++)
                if (s->processes.items[i].device >= s->ndevices)
                        return false;
        return true;
}

static int read_inventory(const struct body *body, const char *at, struct protocol_answer *a) {
        struct gpu_inventory *inv = &a->inventory;

        inv->devices = take_array(&at, body->ndevices, sizeof(*inv->devices));
        inv->links = take_array(&at, (size_t)body->ngpus * body->ngpus, 1);
        a->processes.items = take_array(&at, body->nprocesses, sizeof(*a->processes.items));
        if (!inv->devices || !inv->links || !a->processes.items)
                return -ENOMEM;
        inv->ndevices = body->ndevices;
        inv->ngpus = body->ngpus;
        a->processes.n = body->nprocesses;
        return inventory_valid(a) ? 0 : -EBADMSG;
}

static int read_sample(const struct body *body, const char *at, struct gpu_sample *s) {
        s->devices = take_array(&at, body->ndevices, sizeof(*s->devices));
        s->processes.items = take_array(&at, body->nprocesses, sizeof(*s->processes.items));
        if (!s->devices || !s->processes.items)
                return -ENOMEM;
        s->ndevices = body->ndevices;
        s->processes.n = body->nprocesses;
        s->taken_us = body->taken_us;
        return sample_valid(s) ? 0 : -EBADMSG;
}

int protocol_read_answer(enum protocol_request request, const void *bytes, size_t n,
                         struct protocol_answer *ret) {
        struct protocol_answer a = { 0 };
        struct body body;
        size_t want, row;
        int r = 0;

        if (n < sizeof(body))
                return -EBADMSG;
        memcpy(&body, bytes, sizeof(body));
        row = request == PROTOCOL_SAMPLE ? sizeof(*a.sample.devices)
                                         : sizeof(*a.inventory.devices);
        if (body.ndevices > GPU_DEVICES_MAX || body.ngpus > GPU_DEVICES_MAX ||
            body.nprocesses > PROTOCOL_PROCESSES_MAX || !ends(body.message, sizeof(body.message)))
                return -EBADMSG;
        want = sizeof(body) + body.ndevices * row + (size_t)body.ngpus * body.ngpus +
               body.nprocesses * sizeof(struct gpu_process);
        if (n != want)
                return -EBADMSG;
        a.status = body.status;
        str_copy(a.message, sizeof(a.message), body.message);
        if (a.status == 0 && request == PROTOCOL_SAMPLE)
                r = read_sample(&body, (const char *)bytes + sizeof(body), &a.sample);
        else if (a.status == 0)
                r = read_inventory(&body, (const char *)bytes + sizeof(body), &a);
        if (r < 0) {
                protocol_answer_release(&a);
                return r;
        }
        *ret = a;
        return 0;
}
