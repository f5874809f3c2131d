
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any bytes for a command line.  The words are as many as there are NULs,
 * they fit into a buffer of one byte more than the line, and if each is put
 * into single quotes they are what such a line is split into.
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "providers/sigv4_words.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void quote(const uint8_t *words, size_t len, sigv4_buf_t *buf);
static void append(sigv4_buf_t *buf, const char *text);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int           rc;
    size_t        i, n, again, nuls;
    uint8_t      *memory, *line, *words;
    sigv4_buf_t   buf, quoted, copy;
    sigv4_str_t   str;

    memory = malloc(size + 1);

    /* a quote becomes four bytes, an empty word two and a blank */

    line = malloc(5 * size + 8);
    words = malloc(5 * size + 9);

    if (memory == NULL || line == NULL || words == NULL) {
        abort();
    }

    str.data = data;
    str.len = size;

    buf.last = memory;
    buf.end = memory + size + 1;

    rc = sigv4_words(str, &buf, &n);

    if (rc != SIGV4_OK && rc != SIGV4_INVALID) {
        abort();
    }

    if (rc == SIGV4_OK) {
        nuls = 0;

        for (i = 0; i < (size_t) (buf.last - memory); i++) {
            nuls += (memory[i] == '\0');
        }

        if (nuls != n || (n != 0 && buf.last[-1] != '\0')) {
            abort();
        }

        quoted.last = line;
        quoted.end = line + 5 * size + 8;

        quote(memory, buf.last - memory, &quoted);

        str.data = line;
        str.len = quoted.last - line;

        copy.last = words;
        copy.end = words + str.len + 1;

        if (sigv4_words(str, &copy, &again) != SIGV4_OK
            || again != n
            || copy.last - words != buf.last - memory
            || memcmp(words, memory, buf.last - memory) != 0)
        {
            abort();
        }
    }

    free(memory);
    free(line);
    free(words);

    return 0;
}


static void
quote(const uint8_t *words, size_t len, sigv4_buf_t *buf)
{
    size_t  i;
    int     begin;

    begin = 1;

    for (i = 0; i < len; i++) {

        if (begin) {
            append(buf, "'");
            begin = 0;
        }

        if (words[i] == '\0') {
            append(buf, "' ");
            begin = 1;

        } else if (words[i] == '\'') {
            append(buf, "'\\''");

        } else {

            if (buf->last == buf->end) {
                abort();
            }

            *buf->last++ = words[i];
        }
    }
}


static void
append(sigv4_buf_t *buf, const char *text)
{
    size_t  len;

    len = strlen(text);

    if ((size_t) (buf->end - buf->last) < len) {
        abort();
    }

    memcpy(buf->last, text, len);
    buf->last += len;
}
