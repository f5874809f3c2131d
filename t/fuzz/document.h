
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What fuzz_json.c and fuzz_sts.c ask of a document.  The text and the
 * buffer are of just the size that they must have.
 */


#ifndef _DOCUMENT_H_INCLUDED_
#define _DOCUMENT_H_INCLUDED_


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "providers/sigv4_document.h"


/* a time, so that some documents have expired and others have not */
#define DOCUMENT_NOW    1801396800


typedef struct {
    uint8_t                      *memory;
    size_t                        size;
    sigv4_buf_t                   buf;
    sigv4_document_t              doc;
} document_t;


static inline void
document_create(document_t *d, size_t len)
{
    d->size = sigv4_document_size(len);
    d->memory = malloc(d->size);

    if (d->memory == NULL) {
        abort();
    }

    d->buf.last = d->memory;
    d->buf.end = d->memory + d->size;
}


static inline void
document_check_value(const document_t *d, sigv4_str_t s)
{
    if (s.len != 0
        && (s.data < d->memory || s.len > d->size
            || (size_t) (s.data - d->memory) > d->size - s.len))
    {
        abort();
    }
}


static inline void
document_destroy(document_t *d, int rc)
{
    size_t             i, len;
    sigv4_document_t  *doc;

    doc = &d->doc;

    document_check_value(d, doc->value.access_key_id);
    document_check_value(d, doc->value.secret_access_key);
    document_check_value(d, doc->value.session_token);
    document_check_value(d, doc->code);

    if (d->buf.last > d->buf.end) {
        abort();
    }

    if (rc == SIGV4_OK) {

        if (doc->value.access_key_id.len == 0
            || doc->value.secret_access_key.len == 0
            || (doc->expires != 0 && doc->expires <= DOCUMENT_NOW))
        {
            abort();
        }

    } else {
        len = strlen(doc->error);

        if (rc != SIGV4_INVALID || len == 0
            || doc->value.access_key_id.len
            || doc->value.secret_access_key.len
            || doc->value.session_token.len)
        {
            abort();
        }

        for (i = 0; i < len; i++) {
            if (doc->error[i] < 0x20 || doc->error[i] > 0x7e) {
                abort();
            }
        }
    }

    free(d->memory);
}


#endif /* _DOCUMENT_H_INCLUDED_ */
