
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Times of expiration as AWS writes them: "2027-01-31T12:00:00Z", with
 * fractions of a second or an offset instead of "Z".
 */


#ifndef _SIGV4_ISO8601_H_INCLUDED_
#define _SIGV4_ISO8601_H_INCLUDED_


#include "core/sigv4.h"


/* seconds since the epoch; SIGV4_INVALID if it is no such time */
int sigv4_iso8601(sigv4_str_t text, time_t *t);


#endif /* _SIGV4_ISO8601_H_INCLUDED_ */
