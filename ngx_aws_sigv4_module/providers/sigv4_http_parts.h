
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * What the files of the parser of responses share.
 */


#ifndef _SIGV4_HTTP_PARTS_H_INCLUDED_
#define _SIGV4_HTTP_PARTS_H_INCLUDED_


#include "providers/sigv4_http.h"


#define SIGV4_HTTP_LARGE          "the response is too large"


/* what is expected next: the head, the body, or a part of a chunk */
enum {
    sigv4_http_head = 0,
    sigv4_http_length,
    sigv4_http_close,
    sigv4_http_size_first,
    sigv4_http_size,
    sigv4_http_extension,
    sigv4_http_size_lf,
    sigv4_http_data,
    sigv4_http_data_cr,
    sigv4_http_data_lf,
    sigv4_http_trailer,
    sigv4_http_trailer_rest,
    sigv4_http_trailer_lf,
    sigv4_http_end_lf,
    sigv4_http_done
};


/* n bytes at p, which is not before http->last */
int sigv4_http_read_body(sigv4_http_t *http, uint8_t *p, size_t n);

/* visible, a space or a tab */
int sigv4_http_is_text(uint8_t ch);

uint8_t sigv4_http_lower(uint8_t ch);

/* remembers the error and returns SIGV4_INVALID */
int sigv4_http_invalid(sigv4_http_t *http, const char *error);


#endif /* _SIGV4_HTTP_PARTS_H_INCLUDED_ */
