
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Text from outside in the forms of text that leave.
 */


#ifndef _SIGV4_ESCAPE_H_INCLUDED_
#define _SIGV4_ESCAPE_H_INCLUDED_


#include "sigv4.h"


/* a byte becomes so many at most */
#define SIGV4_ESCAPE_GROWTH       6


typedef enum {
    SIGV4_ESCAPE_UTF8 = 0,      /* nothing but valid UTF-8 */
    SIGV4_ESCAPE_LINE,          /* the same, without control characters */
    SIGV4_ESCAPE_LABEL,         /* in "" of the text format of Prometheus */
    SIGV4_ESCAPE_JSON,          /* in "" of JSON */
    SIGV4_ESCAPE_HTML           /* text, and in "" or '' of attributes */
} sigv4_escape_e;


/*
 * Appends the text to the buffer.  In all forms what is no valid UTF-8 is
 * replaced, byte for byte, by U+FFFD.  SIGV4_NOSPACE leaves the buffer as it
 * was; SIGV4_ESCAPE_GROWTH * in.len bytes are enough.
 */
int sigv4_escape(sigv4_escape_e form, sigv4_str_t in, sigv4_buf_t *buf);


#endif /* _SIGV4_ESCAPE_H_INCLUDED_ */
