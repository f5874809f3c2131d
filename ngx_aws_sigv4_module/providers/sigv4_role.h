
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A role and how it is to be assumed: what STS is asked for by AssumeRole
 * or, with a token, by AssumeRoleWithWebIdentity.
 */


#ifndef _SIGV4_ROLE_H_INCLUDED_
#define _SIGV4_ROLE_H_INCLUDED_


#include "core/sigv4.h"


#define SIGV4_ROLE_SESSION_NAME   64

/* in seconds */
#define SIGV4_ROLE_DURATION_MIN   900
#define SIGV4_ROLE_DURATION_MAX   43200
#define SIGV4_ROLE_DURATION_CHAIN 3600  /* from the session of a role */


typedef struct {
    sigv4_str_t                   arn;
    sigv4_str_t                   session_name;
    sigv4_str_t                   external_id;      /* empty if none */
    sigv4_str_t                   source_identity;  /* the same */
    sigv4_str_t                   tags;             /* "key=value,..." */
    unsigned                      duration;         /* 0: STS decides */
} sigv4_role_t;


/*
 * What STS would refuse of a role, in words that follow the name of the
 * parameter; NULL: nothing.
 */
const char *sigv4_role_check_arn(sigv4_str_t arn);
const char *sigv4_role_check_session_name(sigv4_str_t name);
const char *sigv4_role_check_external_id(sigv4_str_t id);
const char *sigv4_role_check_source_identity(sigv4_str_t identity);
const char *sigv4_role_check_tags(sigv4_str_t tags);

/* a string of digits, within what STS allows; 0: it is not */
unsigned sigv4_role_duration(sigv4_str_t value);

/*
 * Makes a session name of anything: what cannot stand in it becomes "-",
 * and what does not fit is cut off.
 */
sigv4_str_t sigv4_role_session_name(sigv4_str_t in,
    uint8_t name[SIGV4_ROLE_SESSION_NAME]);

/* token: of a web identity, or empty */
size_t sigv4_role_form_size(const sigv4_role_t *role, sigv4_str_t token);

/* the body of the request, of at most the size above */
int sigv4_role_form(const sigv4_role_t *role, sigv4_str_t token,
    sigv4_buf_t *buf, sigv4_str_t *form);


#endif /* _SIGV4_ROLE_H_INCLUDED_ */
