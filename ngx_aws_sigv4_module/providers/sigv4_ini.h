
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The INI dialect of the files that the AWS SDKs share, ~/.aws/credentials
 * and ~/.aws/config, read piece by piece without memory of its own.
 *
 *     # or ";": a comment, alone or after white space
 *     [section]
 *     key = value
 *         indented more than the key: goes on with its value
 *
 * Where the SDKs differ, the document on the format of the files is
 * followed: "=" alone ends a key, sections and keys may come again.
 */


#ifndef _SIGV4_INI_H_INCLUDED_
#define _SIGV4_INI_H_INCLUDED_


#include "core/sigv4.h"


#define SIGV4_INI_END             0
#define SIGV4_INI_SECTION         1
#define SIGV4_INI_KEY             2


typedef struct {
    sigv4_str_t                   section;
    sigv4_str_t                   key;
    sigv4_str_t                   value;
    size_t                        line;       /* from 1, also of an error */
    unsigned                      continued:1;  /* value is the first line */
    sigv4_str_t                   nested;     /* the lines behind it */

    /* where the parser is */
    const uint8_t                *pos;
    const uint8_t                *end;
    size_t                        next;       /* number of the line at pos */
    size_t                        indent;
    unsigned                      flat:1;     /* no value goes on */
} sigv4_ini_t;


void sigv4_ini_init(sigv4_ini_t *ini, sigv4_str_t text);

/*
 * The next section header or key: one of the codes above, or SIGV4_INVALID
 * where a line is neither.  Strings point into the text and are trimmed.
 */
int sigv4_ini_next(sigv4_ini_t *ini);

/*
 * Begins with the keys below the one that ini is at, as those of an "s3 =",
 * however they are indented.
 */
void sigv4_ini_nested(const sigv4_ini_t *ini, sigv4_ini_t *nested);

/* compares the key, in any case, with a name in lower case */
int sigv4_ini_is(const sigv4_ini_t *ini, const char *name);

/*
 * Whether the section is that of the profile.  In the config file it is
 * [profile name], with the name in quotes or not, or [default]; in the
 * credentials file it is [name].
 */
int sigv4_ini_is_profile(sigv4_str_t section, sigv4_str_t name, int config);

/* whether it is [services name] of the config file */
int sigv4_ini_is_services(sigv4_str_t section, sigv4_str_t name);


#endif /* _SIGV4_INI_H_INCLUDED_ */
