
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <string.h>

#include "core/sigv4_bytes.h"
#include "providers/sigv4_http_parts.h"


/* of framing, for each byte of the buffer: more is an attack */
#define SIGV4_HTTP_OVERHEAD       8

#define SIGV4_HTTP_CHUNK_MAX      (SIZE_MAX / 32)

#define SIGV4_HTTP_CHUNK          "the chunks of the response are invalid"


static int sigv4_http_read_chunks(sigv4_http_t *http, uint8_t *p, size_t n);
static int sigv4_http_chunk_byte(sigv4_http_t *http, uint8_t ch);
static int sigv4_http_chunk_size(sigv4_http_t *http, uint8_t ch);
static int sigv4_http_append(sigv4_http_t *http, const uint8_t *p, size_t n);


int
sigv4_http_read_body(sigv4_http_t *http, uint8_t *p, size_t n)
{
    switch (http->state) {

    case sigv4_http_close:
        return sigv4_http_append(http, p, n) == SIGV4_OK ? SIGV4_HTTP_AGAIN
                                                         : SIGV4_INVALID;

    case sigv4_http_length:

        if (n > http->left) {
            return sigv4_http_invalid(http, "the response is longer than it "
                                            "says");
        }

        http->left -= n;

        if (sigv4_http_append(http, p, n) != SIGV4_OK) {
            return SIGV4_INVALID;
        }

        if (http->left != 0) {
            return SIGV4_HTTP_AGAIN;
        }

        http->state = sigv4_http_done;

        return SIGV4_OK;

    case sigv4_http_done:
        return sigv4_http_invalid(http, "the response goes on behind its end");

    default:
        return sigv4_http_read_chunks(http, p, n);
    }
}


size_t
sigv4_http_dechunk(uint8_t *p, size_t n)
{
    sigv4_http_t  http;

    memset(&http, 0, sizeof(sigv4_http_t));

    http.start = p;
    http.last = p;
    http.end = p + n;
    http.state = sigv4_http_size_first;

    /* a chunk may be larger than what there is of it */

    http.max_body = SIGV4_HTTP_CHUNK_MAX;

    (void) sigv4_http_read_chunks(&http, p, n);

    return http.last - http.start;
}


/* the framing is dropped, so that chunks of one byte need no more memory */

static int
sigv4_http_read_chunks(sigv4_http_t *http, uint8_t *p, size_t n)
{
    size_t   len;
    uint8_t  *end;

    end = p + n;

    while (p < end && http->state != sigv4_http_done) {

        if (http->state == sigv4_http_data) {
            len = end - p;

            if (len > http->left) {
                len = http->left;
            }

            if (sigv4_http_append(http, p, len) != SIGV4_OK) {
                return SIGV4_INVALID;
            }

            p += len;
            http->left -= len;

            if (http->left == 0) {
                http->state = sigv4_http_data_cr;
            }

            continue;
        }

        if (http->overhead++ / SIGV4_HTTP_OVERHEAD
            >= (size_t) (http->end - http->start))
        {
            return sigv4_http_invalid(http, SIGV4_HTTP_LARGE);
        }

        if (sigv4_http_chunk_byte(http, *p++) != SIGV4_OK) {
            return http->error ? SIGV4_INVALID
                               : sigv4_http_invalid(http, SIGV4_HTTP_CHUNK);
        }
    }

    if (p < end) {
        return sigv4_http_read_body(http, p, end - p);
    }

    return http->state == sigv4_http_done ? SIGV4_OK : SIGV4_HTTP_AGAIN;
}


/* one byte that is not data; SIGV4_INVALID without http->error: not here */

static int
sigv4_http_chunk_byte(sigv4_http_t *http, uint8_t ch)
{
    int       expected;
    unsigned  next;

    switch (http->state) {

    case sigv4_http_size_first:
    case sigv4_http_size:
        return sigv4_http_chunk_size(http, ch);

    case sigv4_http_extension:
    case sigv4_http_trailer_rest:

        if (ch == '\r') {
            http->state++;    /* its LF */
            return SIGV4_OK;
        }

        return sigv4_http_is_text(ch) ? SIGV4_OK : SIGV4_INVALID;

    case sigv4_http_trailer:

        if (ch == '\r') {
            http->state = sigv4_http_end_lf;
            return SIGV4_OK;
        }

        http->state = sigv4_http_trailer_rest;

        return sigv4_byte_is(sigv4_http_lower(ch), SIGV4_BYTE_NAME)
               ? SIGV4_OK : SIGV4_INVALID;

    case sigv4_http_size_lf:
        expected = '\n';
        next = http->left ? sigv4_http_data : sigv4_http_trailer;
        break;

    case sigv4_http_data_cr:
        expected = '\r';
        next = sigv4_http_data_lf;
        break;

    case sigv4_http_data_lf:
        expected = '\n';
        next = sigv4_http_size_first;
        break;

    case sigv4_http_trailer_lf:
        expected = '\n';
        next = sigv4_http_trailer;
        break;

    default: /* sigv4_http_end_lf */
        expected = '\n';
        next = sigv4_http_done;
    }

    http->state = next;

    return ch == expected ? SIGV4_OK : SIGV4_INVALID;
}


static int
sigv4_http_chunk_size(sigv4_http_t *http, uint8_t ch)
{
    uint8_t  c;

    if (http->state == sigv4_http_size) {

        if (ch == '\r') {
            http->state = sigv4_http_size_lf;
            return SIGV4_OK;
        }

        if (ch == ';') {
            http->state = sigv4_http_extension;
            return SIGV4_OK;
        }

    } else {
        http->left = 0;
        http->state = sigv4_http_size;
    }

    c = sigv4_http_lower(ch);

    if (c >= '0' && c <= '9') {
        c -= '0';

    } else if (c >= 'a' && c <= 'f') {
        c -= 'a' - 10;

    } else {
        return SIGV4_INVALID;
    }

    http->left = http->left * 16 + c;

    /* max_body is far from where this would overflow */

    if (http->left > http->max_body - http->body.len) {
        return sigv4_http_invalid(http, SIGV4_HTTP_LARGE);
    }

    return SIGV4_OK;
}


static int
sigv4_http_append(sigv4_http_t *http, const uint8_t *p, size_t n)
{
    if (n > http->max_body - http->body.len) {
        return sigv4_http_invalid(http, SIGV4_HTTP_LARGE);
    }

    if (n != 0) {
        memmove(http->last, p, n);
        http->last += n;
        http->body.len += n;
    }

    return SIGV4_OK;
}
