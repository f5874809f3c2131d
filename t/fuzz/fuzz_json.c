
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any bytes for credentials as JSON; the first chooses who says them.
 * Whatever they are, jansson must not run out of memory.
 */


#include "document.h"
#include "providers/sigv4_arena.h"
#include "providers/sigv4_json.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int                       rc;
    document_t                d;
    sigv4_str_t               text;
    const sigv4_json_form_t  *form;

    if (size == 0) {
        return 0;
    }

    form = data[0] % 2 ? &sigv4_json_process : &sigv4_json_imds;

    text.data = data + 1;
    text.len = size - 1;

    document_create(&d, text.len);

    rc = sigv4_json_credentials(&d.doc, form, text, &d.buf, DOCUMENT_NOW);

    if (sigv4_arena_full()) {
        abort();
    }

    if (rc == SIGV4_OK
        && form == &sigv4_json_imds
        && (d.doc.value.session_token.len == 0 || d.doc.expires == 0))
    {
        abort();
    }

    document_destroy(&d, rc);

    return 0;
}
