
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "providers/sigv4_document.h"
#include "providers/sigv4_iso8601.h"


/* of what a service says, the most that is repeated */
#define SIGV4_DOCUMENT_CODE       64
#define SIGV4_DOCUMENT_MESSAGE    256


static int sigv4_document_cut(sigv4_str_t s, size_t max);


int
sigv4_document_check(sigv4_document_t *doc, const char *token, int temporary,
    sigv4_str_t expiration, time_t now)
{
    if (doc->value.access_key_id.len == 0) {
        return sigv4_document_invalid(doc, "it has no AccessKeyId");
    }

    if (doc->value.secret_access_key.len == 0) {
        return sigv4_document_invalid(doc, "it has no SecretAccessKey");
    }

    if (temporary && doc->value.session_token.len == 0) {
        return sigv4_document_invalid(doc, "it has no %s", token);
    }

    doc->expires = 0;

    if (expiration.data == NULL) {
        return temporary ? sigv4_document_invalid(doc, "it has no Expiration")
                         : SIGV4_OK;
    }

    if (sigv4_iso8601(expiration, &doc->expires) != SIGV4_OK
        || doc->expires <= 0)
    {
        return sigv4_document_invalid(doc, "its Expiration is not a time");
    }

    if (now != 0 && doc->expires <= now) {
        return sigv4_document_invalid(doc, "its credentials have expired");
    }

    return SIGV4_OK;
}


int
sigv4_document_refused(sigv4_document_t *doc, sigv4_str_t code,
    sigv4_str_t message)
{
    doc->code = code;

    if (message.len == 0) {
        return sigv4_document_invalid(doc, "it says \"%.*s\"",
                               sigv4_document_cut(code, SIGV4_DOCUMENT_CODE),
                               (const char *) code.data);
    }

    return sigv4_document_invalid(doc, "it says \"%.*s\": %.*s",
                         sigv4_document_cut(code, SIGV4_DOCUMENT_CODE),
                         (const char *) code.data,
                         sigv4_document_cut(message, SIGV4_DOCUMENT_MESSAGE),
                         (const char *) message.data);
}


int
sigv4_document_invalid(sigv4_document_t *doc, const char *fmt, ...)
{
    char     *p;
    va_list   args;

    va_start(args, fmt);
    (void) vsnprintf(doc->error, SIGV4_DOCUMENT_ERROR, fmt, args);
    va_end(args);

    for (p = doc->error; *p != '\0'; p++) {
        if (*p < 0x20 || *p > 0x7e) {
            *p = '?';
        }
    }

    memset(&doc->value, 0, sizeof(sigv4_credentials_t));
    doc->expires = 0;

    return SIGV4_INVALID;
}


static int
sigv4_document_cut(sigv4_str_t s, size_t max)
{
    return (int) (s.len < max ? s.len : max);
}
