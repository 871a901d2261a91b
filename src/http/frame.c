/* Frames of a stream. */
#include "http/frame.h"

#include <errno.h>

void http_frame_header(char dst[HTTP_FRAME_HEADER], uint8_t type, uint32_t n) {
        dst[0] = (char)type;
        dst[1] = dst[2] = dst[3] = 0;
        dst[4] = (char)(n >> 24);
        dst[5] = (char)(n >> 16);
        dst[6] = (char)(n >> 8);
        dst[7] = (char)n;
}

int http_frame_write(struct buf *out, uint8_t type, const void *bytes, size_t n) {
        char header[HTTP_FRAME_HEADER];
        int r;

        if (n > HTTP_FRAME_MAX)
                return -EMSGSIZE;
        if (!buf_reserve(out, n + sizeof(header)))
                return out->max - out->len < n + sizeof(header) ? -ENOBUFS : -ENOMEM;
        http_frame_header(header, type, (uint32_t)n);
        r = buf_add(out, header, sizeof(header));
        return r < 0 ? r : buf_add(out, bytes, n);
}

static int header(struct http_frame_reader *r, const char *data) {
        const unsigned char *u = (const unsigned char *)data;
        uint32_t n = (uint32_t)u[4] << 24 | (uint32_t)u[5] << 16 | (uint32_t)u[6] << 8 | u[7];

        if (u[1] || u[2] || u[3] || n > r->max)
                return -EPROTO;
        r->type = u[0];
        r->left = n;
        r->inside = true;
        return 0;
}

int http_frame_next(struct http_frame_reader *r, const char *data, size_t n, size_t *pos,
                    struct http_frame *ret) {
        size_t here;

        if (!r->inside) {
                if (n - *pos < HTTP_FRAME_HEADER)
                        return 0;
                if (header(r, data + *pos) < 0)
                        return -EPROTO;
                *pos += HTTP_FRAME_HEADER;
        }
        here = n - *pos < r->left ? n - *pos : r->left;
        if (here < r->left && (!r->piecewise || here == 0))
                return 0;
        r->left -= (uint32_t)here;
        r->inside = r->left > 0;
        *ret = (struct http_frame){ r->type, data + *pos, here, r->left == 0 };
        *pos += here;
        return 1;
}
