
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Any bytes for what is known of a role, one a line.  What is checked must
 * be checked without harm, and whatever it is, the form fits into the size
 * that was computed and has no byte that would not stand in one.
 */


#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "providers/sigv4_role.h"


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sigv4_str_t line(const uint8_t **data, size_t *size);
static void check(const sigv4_role_t *role, sigv4_str_t token);


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t       name[SIGV4_ROLE_SESSION_NAME];
    sigv4_str_t   token;
    sigv4_role_t  role;

    memset(&role, 0, sizeof(sigv4_role_t));

    role.arn = line(&data, &size);
    role.session_name = sigv4_role_session_name(line(&data, &size), name);
    role.external_id = line(&data, &size);
    role.source_identity = line(&data, &size);
    role.duration = sigv4_role_duration(line(&data, &size));
    role.tags = line(&data, &size);
    token = line(&data, &size);

    if (role.session_name.len >= 2
        && sigv4_role_check_session_name(role.session_name) != NULL)
    {
        abort();
    }

    (void) sigv4_role_check_arn(role.arn);
    (void) sigv4_role_check_external_id(role.external_id);
    (void) sigv4_role_check_source_identity(role.source_identity);
    (void) sigv4_role_check_tags(role.tags);

    check(&role, token);

    return 0;
}


static void
check(const sigv4_role_t *role, sigv4_str_t token)
{
    size_t        i, n;
    uint8_t      *memory;
    sigv4_buf_t   buf;
    sigv4_str_t   form;

    n = sigv4_role_form_size(role, token);

    memory = malloc(n);
    if (memory == NULL) {
        abort();
    }

    buf.last = memory;
    buf.end = memory + n;

    if (sigv4_role_form(role, token, &buf, &form) != SIGV4_OK) {
        abort();
    }

    for (i = 0; i < form.len; i++) {
        if (!sigv4_is_unreserved(form.data[i])
            && strchr("%&=", form.data[i]) == NULL)
        {
            abort();
        }
    }

    free(memory);
}


static sigv4_str_t
line(const uint8_t **data, size_t *size)
{
    size_t       len;
    sigv4_str_t  str;

    for (len = 0; len < *size && (*data)[len] != '\n'; len++) { /* void */ }

    str.data = *data;
    str.len = len;

    if (len < *size) {
        len++;
    }

    *data += len;
    *size -= len;

    return str;
}
