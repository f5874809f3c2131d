
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What a service or a program says about credentials, whatever the format:
 * sigv4_json.h and sigv4_sts.h read it.
 *
 * All that the libraries beneath them allocate lies in the buffer that the
 * caller supplies, and so do the strings of the result: wiping the buffer
 * leaves no copy of a secret.  It is also what bounds their memory.
 */


#ifndef _SIGV4_DOCUMENT_H_INCLUDED_
#define _SIGV4_DOCUMENT_H_INCLUDED_


#include "core/sigv4.h"


#define SIGV4_DOCUMENT_ERROR      384

/* what the buffer must have left for a text of len bytes */
#define sigv4_document_size(len)  (65536 + 8 * (len))


typedef struct {
    sigv4_credentials_t           value;
    time_t                        expires;    /* 0: never */
    sigv4_str_t                   account_id; /* empty if it is not known */
    sigv4_str_t                   role_arn;   /* the same, of the session */

    /* of SIGV4_INVALID */
    sigv4_str_t                   code;       /* the service's; may be "" */
    char                          error[SIGV4_DOCUMENT_ERROR];
} sigv4_document_t;


/* for the readers: */

/*
 * Looks at what has been read, and sets doc->expires if expiration is not
 * empty.  Temporary credentials must have a token and expire; at now or
 * before they must not, unless now is 0.
 */
int sigv4_document_check(sigv4_document_t *doc, const char *token,
    int temporary, sigv4_str_t expiration, time_t now);

/* takes doc->code, and the words that came with it, for what is wrong */
int sigv4_document_refused(sigv4_document_t *doc, sigv4_str_t code,
    sigv4_str_t message);

/*
 * Leaves no credentials in doc and returns SIGV4_INVALID.  What is not
 * printable in the error becomes "?".
 */
int sigv4_document_invalid(sigv4_document_t *doc, const char *fmt, ...);


#endif /* _SIGV4_DOCUMENT_H_INCLUDED_ */
