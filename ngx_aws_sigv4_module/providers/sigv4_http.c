
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <string.h>

#include "core/sigv4_bytes.h"
#include "providers/sigv4_http_parts.h"


#define SIGV4_HTTP_HEAD           "the head of the response is invalid"


static int sigv4_http_read_head(sigv4_http_t *http);
static uint8_t *sigv4_http_head_end(const sigv4_http_t *http);
static int sigv4_http_parse_head(sigv4_http_t *http, uint8_t *end);
static int sigv4_http_status_line(sigv4_http_t *http, sigv4_str_t line,
    unsigned *minor);
static int sigv4_http_framing(sigv4_http_t *http, unsigned minor);
static int sigv4_http_content_length(sigv4_http_t *http, sigv4_str_t value);
static int sigv4_http_next_line(sigv4_str_t *text, sigv4_str_t *line);
static int sigv4_http_split(sigv4_str_t line, sigv4_str_t *name,
    sigv4_str_t *value);
static int sigv4_http_is(sigv4_str_t s, const char *name);


void
sigv4_http_init(sigv4_http_t *http, uint8_t *buffer, size_t size)
{
    memset(http, 0, sizeof(sigv4_http_t));

    http->start = buffer;
    http->last = buffer;
    http->end = buffer + size;
    http->max_body = size - SIGV4_HTTP_HEAD_MAX;
}


int
sigv4_http_read(sigv4_http_t *http, size_t n)
{
    if (http->state != sigv4_http_head) {
        return sigv4_http_read_body(http, http->last, n);
    }

    http->last += n;

    return sigv4_http_read_head(http);
}


int
sigv4_http_eof(sigv4_http_t *http)
{
    if (http->state == sigv4_http_close) {
        http->state = sigv4_http_done;
        return SIGV4_OK;
    }

    if (http->state == sigv4_http_head && http->last == http->start) {
        return sigv4_http_invalid(http, "the connection was closed without a "
                                        "response");
    }

    return sigv4_http_invalid(http, "the connection was closed before the "
                                    "response was complete");
}


sigv4_str_t
sigv4_http_field(const sigv4_http_t *http, const char *name)
{
    sigv4_str_t  fields, line, key, value;

    fields = http->fields;

    while (sigv4_http_next_line(&fields, &line) == SIGV4_OK) {

        if (sigv4_http_split(line, &key, &value) == SIGV4_OK
            && sigv4_http_is(key, name))
        {
            return value;
        }
    }

    value.len = 0;
    value.data = NULL;

    return value;
}


static int
sigv4_http_read_head(sigv4_http_t *http)
{
    size_t    n, len;
    uint8_t  *end;

    for ( ;; ) {
        n = http->last - http->start;

        if (memcmp(http->start, "HTTP/", n < 5 ? n : 5) != 0) {
            return sigv4_http_invalid(http, "the response is not HTTP");
        }

        end = sigv4_http_head_end(http);

        if (end == NULL) {
            return n < SIGV4_HTTP_HEAD_MAX ? SIGV4_HTTP_AGAIN
                                  : sigv4_http_invalid(http, SIGV4_HTTP_LARGE);
        }

        len = end - http->start;

        if (len >= SIGV4_HTTP_HEAD_MAX) {
            return sigv4_http_invalid(http, SIGV4_HTTP_LARGE);
        }

        if (sigv4_http_parse_head(http, end) != SIGV4_OK) {
            return SIGV4_INVALID;
        }

        if (http->status >= 200) {
            http->last = end;
            return sigv4_http_read_body(http, end, n - len);
        }

        /* an interim response: the final one is still to come */

        http->status = 0;
        http->overhead += len;

        if (http->overhead > SIGV4_HTTP_HEAD_MAX) {
            return sigv4_http_invalid(http, SIGV4_HTTP_LARGE);
        }

        memmove(http->start, end, n - len);
        http->last = http->start + (n - len);
    }
}


/* behind the empty line; NULL: it has not come yet */

static uint8_t *
sigv4_http_head_end(const sigv4_http_t *http)
{
    uint8_t  *p;

    for (p = http->start; http->last - p >= 4; p++) {

        p = memchr(p, '\r', http->last - p - 3);

        if (p == NULL) {
            return NULL;
        }

        if (memcmp(p, "\r\n\r\n", 4) == 0) {
            return p + 4;
        }
    }

    return NULL;
}


static int
sigv4_http_parse_head(sigv4_http_t *http, uint8_t *end)
{
    unsigned     minor;
    sigv4_str_t  text, line;

    text.data = http->start;
    text.len = end - http->start - 2;

    if (sigv4_http_next_line(&text, &line) != SIGV4_OK
        || sigv4_http_status_line(http, line, &minor) != SIGV4_OK)
    {
        return sigv4_http_invalid(http, SIGV4_HTTP_HEAD);
    }

    http->fields = text;
    http->body.data = end;
    http->body.len = 0;

    return sigv4_http_framing(http, minor);
}


/* HTTP/1.x 200 reason */

static int
sigv4_http_status_line(sigv4_http_t *http, sigv4_str_t line, unsigned *minor)
{
    size_t  i;

    if (line.len < 12
        || memcmp(line.data, "HTTP/1.", 7) != 0
        || line.data[7] < '0' || line.data[7] > '1'
        || line.data[8] != ' '
        || (line.len > 12 && line.data[12] != ' '))
    {
        return SIGV4_INVALID;
    }

    *minor = line.data[7] - '0';
    http->status = 0;

    for (i = 9; i < 12; i++) {
        if (line.data[i] < '0' || line.data[i] > '9') {
            return SIGV4_INVALID;
        }

        http->status = http->status * 10 + (line.data[i] - '0');
    }

    for (i = 12; i < line.len; i++) {
        if (!sigv4_http_is_text(line.data[i])) {
            return SIGV4_INVALID;
        }
    }

    /* no protocol was offered to switch to */

    return http->status >= 100 && http->status < 600 && http->status != 101
           ? SIGV4_OK : SIGV4_INVALID;
}


/* how long the body is: RFC 9112, 6.3; a field in doubt refuses it */

static int
sigv4_http_framing(sigv4_http_t *http, unsigned minor)
{
    int          length, chunked;
    sigv4_str_t  fields, line, name, value;

    length = 0;
    chunked = 0;
    fields = http->fields;

    while (sigv4_http_next_line(&fields, &line) == SIGV4_OK) {

        if (sigv4_http_split(line, &name, &value) != SIGV4_OK) {
            return sigv4_http_invalid(http, SIGV4_HTTP_HEAD);
        }

        if (sigv4_http_is(name, "content-length")) {

            if (length++
                || sigv4_http_content_length(http, value) != SIGV4_OK)
            {
                return sigv4_http_invalid(http, "the length of the response "
                                                "is invalid");
            }

        } else if (sigv4_http_is(name, "transfer-encoding")) {

            if (chunked++ || minor == 0 || !sigv4_http_is(value, "chunked")) {
                return sigv4_http_invalid(http, "the transfer coding of the "
                                                "response is unknown");
            }
        }
    }

    if (fields.len != 0 || (length && chunked)) {
        return sigv4_http_invalid(http, SIGV4_HTTP_HEAD);
    }

    if (http->status < 200) {
        return SIGV4_OK;
    }

    if (http->status == 204 || http->status == 304) {
        http->left = 0;
        http->state = sigv4_http_length;

    } else if (chunked) {
        http->state = sigv4_http_size_first;

    } else {
        http->state = length ? sigv4_http_length : sigv4_http_close;
    }

    if (http->state == sigv4_http_length && http->left > http->max_body) {
        return sigv4_http_invalid(http, SIGV4_HTTP_LARGE);
    }

    return SIGV4_OK;
}


static int
sigv4_http_content_length(sigv4_http_t *http, sigv4_str_t value)
{
    size_t  i;

    /* 18 digits cannot overflow 64 bits, nor 9 digits 32 */

    if (value.len == 0 || value.len > sizeof(size_t) * 9 / 4) {
        return SIGV4_INVALID;
    }

    http->left = 0;

    for (i = 0; i < value.len; i++) {
        if (value.data[i] < '0' || value.data[i] > '9') {
            return SIGV4_INVALID;
        }

        http->left = http->left * 10 + (value.data[i] - '0');
    }

    return SIGV4_OK;
}


/* SIGV4_INVALID: there is no further line that ends with CRLF */

static int
sigv4_http_next_line(sigv4_str_t *text, sigv4_str_t *line)
{
    const uint8_t  *p;

    if (text->len == 0) {
        return SIGV4_INVALID;
    }

    p = memchr(text->data, '\r', text->len);

    if (p == NULL || p + 1 == text->data + text->len || p[1] != '\n') {
        return SIGV4_INVALID;
    }

    line->data = text->data;
    line->len = p - text->data;

    text->data += line->len + 2;
    text->len -= line->len + 2;

    return SIGV4_OK;
}


static int
sigv4_http_split(sigv4_str_t line, sigv4_str_t *name, sigv4_str_t *value)
{
    size_t  i, end;

    for (i = 0; i < line.len && line.data[i] != ':'; i++) {
        if (!sigv4_byte_is(sigv4_http_lower(line.data[i]), SIGV4_BYTE_NAME)) {
            return SIGV4_INVALID;
        }
    }

    if (i == 0 || i == line.len) {
        return SIGV4_INVALID;
    }

    name->data = line.data;
    name->len = i++;

    end = line.len;

    while (i < end && (line.data[i] == ' ' || line.data[i] == '\t')) {
        i++;
    }

    while (end > i && (line.data[end - 1] == ' ' || line.data[end - 1] == '\t'))
    {
        end--;
    }

    value->data = line.data + i;
    value->len = end - i;

    for ( /* void */ ; i < end; i++) {
        if (!sigv4_http_is_text(line.data[i])) {
            return SIGV4_INVALID;
        }
    }

    return SIGV4_OK;
}


/* in any case; the name in lower case */

static int
sigv4_http_is(sigv4_str_t s, const char *name)
{
    size_t  i;

    for (i = 0; i < s.len && name[i] != '\0'; i++) {
        if (sigv4_http_lower(s.data[i]) != (uint8_t) name[i]) {
            return 0;
        }
    }

    return i == s.len && name[i] == '\0';
}


int
sigv4_http_is_text(uint8_t ch)
{
    return (ch >= 0x20 && ch != 0x7f) || ch == '\t';
}


uint8_t
sigv4_http_lower(uint8_t ch)
{
    return ch >= 'A' && ch <= 'Z' ? ch | 0x20 : ch;
}


int
sigv4_http_invalid(sigv4_http_t *http, const char *error)
{
    http->error = error;
    http->body.len = 0;

    return SIGV4_INVALID;
}
