
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The response to a request other than HEAD, of HTTP/1.0 or 1.1, as it
 * comes.  Where RFC 9112 lets a recipient be lenient, the response is
 * refused instead, a status line without a reason apart.
 *
 *     sigv4_http_init(&http, buffer, size);
 *
 *     do {
 *         n = recv(fd, http.last, http.end - http.last, 0);
 *         rc = n ? sigv4_http_read(&http, n) : sigv4_http_eof(&http);
 *     } while (rc == SIGV4_HTTP_AGAIN);
 */


#ifndef _SIGV4_HTTP_H_INCLUDED_
#define _SIGV4_HTTP_H_INCLUDED_


#include "core/sigv4.h"


#define SIGV4_HTTP_AGAIN          1

/* longer heads are refused, interim responses apart */
#define SIGV4_HTTP_HEAD_MAX       16384


typedef struct {
    unsigned                      status;     /* 0: no head yet */
    sigv4_str_t                   fields;     /* lines that end with CRLF */
    sigv4_str_t                   body;
    const char                   *error;      /* of SIGV4_INVALID */

    /* the buffer; last is where the next bytes are to be put, never end */
    uint8_t                      *start;
    uint8_t                      *last;
    uint8_t                      *end;

    /* where the parser is */
    unsigned                      state;
    size_t                        max_body;
    size_t                        left;       /* of the body or the chunk */
    size_t                        overhead;   /* bytes that were dropped */
} sigv4_http_t;


/* size: SIGV4_HTTP_HEAD_MAX plus that of the largest body */
void sigv4_http_init(sigv4_http_t *http, uint8_t *buffer, size_t size);

/*
 * n bytes have been put at http->last.  SIGV4_OK: the response is complete;
 * SIGV4_HTTP_AGAIN: more is to come; SIGV4_INVALID.
 */
int sigv4_http_read(sigv4_http_t *http, size_t n);

/* the server has closed the connection: SIGV4_OK or SIGV4_INVALID */
int sigv4_http_eof(sigv4_http_t *http);

/*
 * What n bytes of chunks have of a body, without their framing, in their
 * place.  Returns its length; what is cut off or invalid ends it.
 */
size_t sigv4_http_dechunk(uint8_t *p, size_t n);

/* the first field of a name, in lower case; empty if there is none */
sigv4_str_t sigv4_http_field(const sigv4_http_t *http, const char *name);


#endif /* _SIGV4_HTTP_H_INCLUDED_ */
