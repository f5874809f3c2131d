
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A command line, split into words as a shell splits it and without one:
 * blanks separate, 'single' and "double" quotes and "\" keep them.  There
 * are no variables, no patterns, no operators.  The SDKs split
 * credential_process like this.
 */


#ifndef _SIGV4_WORDS_H_INCLUDED_
#define _SIGV4_WORDS_H_INCLUDED_


#include "core/sigv4.h"


/*
 * Writes the words into the buffer, each with a NUL behind it: the buffer
 * must hold line.len + 1 bytes.  SIGV4_INVALID: a quote is not closed, a
 * backslash stands at the end, or there is a NUL in the line.
 */
int sigv4_words(sigv4_str_t line, sigv4_buf_t *buf, size_t *nwords);


#endif /* _SIGV4_WORDS_H_INCLUDED_ */
