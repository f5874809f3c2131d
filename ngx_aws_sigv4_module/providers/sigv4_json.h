
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Credentials as JSON: an object of strings, "AccessKeyId" and so on, whose
 * names differ a little with who speaks.
 */


#ifndef _SIGV4_JSON_H_INCLUDED_
#define _SIGV4_JSON_H_INCLUDED_


#include "providers/sigv4_document.h"


typedef struct {
    const char                   *session_token;  /* the field's name */
    unsigned                      temporary:1;    /* token, expiry: a must */
    unsigned                      version:1;      /* "Version" must be 1 */
} sigv4_json_form_t;


extern const sigv4_json_form_t  sigv4_json_imds;
extern const sigv4_json_form_t  sigv4_json_container;
extern const sigv4_json_form_t  sigv4_json_process;


/*
 * SIGV4_OK, or SIGV4_INVALID and doc->error: also if the document says
 * itself that it is an error ("Code" or "code" that is not "Success").
 * Credentials that expire at now or before are refused; now may be 0, for
 * IMDS, which hands them out when it has no others.
 */
int sigv4_json_credentials(sigv4_document_t *doc,
    const sigv4_json_form_t *form, sigv4_str_t text, sigv4_buf_t *buf,
    time_t now);


#endif /* _SIGV4_JSON_H_INCLUDED_ */
