
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any bytes for an answer of STS.  A line behind it must make no difference.
 */


#include "document.h"
#include "providers/sigv4_sts.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int          rc;
    uint8_t     *copy;
    document_t   d;
    sigv4_str_t  text;

    text.data = data;
    text.len = size;

    document_create(&d, size);
    rc = sigv4_sts_credentials(&d.doc, "AssumeRole", text, &d.buf,
                               DOCUMENT_NOW);
    document_destroy(&d, rc);

    if (rc != SIGV4_OK) {
        return 0;
    }

    copy = malloc(size + 1);

    if (copy == NULL) {
        abort();
    }

    memcpy(copy, data, size);
    copy[size] = '\n';

    text.data = copy;
    text.len = size + 1;

    document_create(&d, text.len);

    rc = sigv4_sts_credentials(&d.doc, "AssumeRole", text, &d.buf,
                               DOCUMENT_NOW);

    if (rc != SIGV4_OK || d.doc.expires == 0
        || d.doc.value.session_token.len == 0)
    {
        abort();
    }

    document_destroy(&d, rc);

    free(copy);

    return 0;
}
