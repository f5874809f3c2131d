
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <string.h>

#include "core/sigv4_bytes.h"
#include "providers/sigv4_words.h"


static const uint8_t *sigv4_words_word(const uint8_t *p, const uint8_t *end,
    sigv4_buf_t *buf);
static const uint8_t *sigv4_words_quoted(const uint8_t *p,
    const uint8_t *end, sigv4_buf_t *buf);
static int sigv4_words_is_blank(uint8_t c);


int
sigv4_words(sigv4_str_t line, sigv4_buf_t *buf, size_t *nwords)
{
    const uint8_t  *p, *end;

    *nwords = 0;

    if (sigv4_buf_left(buf) < line.len + 1) {
        return SIGV4_NOSPACE;
    }

    if (line.len == 0) {
        return SIGV4_OK;
    }

    if (memchr(line.data, '\0', line.len) != NULL) {
        return SIGV4_INVALID;
    }

    p = line.data;
    end = p + line.len;

    for ( ;; ) {

        while (p < end && sigv4_words_is_blank(*p)) {
            p++;
        }

        if (p == end) {
            return SIGV4_OK;
        }

        p = sigv4_words_word(p, end, buf);

        if (p == NULL) {
            return SIGV4_INVALID;
        }

        /* a word is no longer than what it was read from */

        *buf->last++ = '\0';
        (*nwords)++;
    }
}


/* returns where the word ends, NULL where it does not */

static const uint8_t *
sigv4_words_word(const uint8_t *p, const uint8_t *end, sigv4_buf_t *buf)
{
    while (p < end && !sigv4_words_is_blank(*p)) {

        if (*p == '"' || *p == '\'') {
            p = sigv4_words_quoted(p, end, buf);

            if (p == NULL) {
                return NULL;
            }

            continue;
        }

        if (*p == '\\' && ++p == end) {
            return NULL;
        }

        *buf->last++ = *p++;
    }

    return p;
}


static const uint8_t *
sigv4_words_quoted(const uint8_t *p, const uint8_t *end, sigv4_buf_t *buf)
{
    uint8_t  quote;

    quote = *p++;

    while (p < end && *p != quote) {

        /* POSIX.1-2017, XCU 2.2.3, without what only a shell expands */

        if (quote == '"' && *p == '\\' && p + 1 < end
            && (p[1] == '"' || p[1] == '\\'))
        {
            p++;
        }

        *buf->last++ = *p++;
    }

    return p < end ? p + 1 : NULL;
}


static int
sigv4_words_is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
