
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * A program that a worker runs beside its event loop.
 *
 * nginx waits for every child of a worker, so the worker would not learn
 * how the program has ended.  It therefore starts a child of its own that
 * does nothing but start the program, wait for it and report; what joins
 * the two is a socket.  If the worker closes its end, or dies, the child
 * kills the program and all of its process group.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_PROGRAM_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_PROGRAM_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>
#include <ngx_event.h>


#define NGX_HTTP_AWS_SIGV4_PROGRAM_ERROR  256


typedef struct ngx_http_aws_sigv4_program_s  ngx_http_aws_sigv4_program_t;

struct ngx_http_aws_sigv4_program_s {

    /* set by the caller: arrays that end with NULL */

    char                               **argv;
    char                               **env;
    size_t                               max_size;  /* of the output */
    ngx_log_t                           *log;
    void                               (*handler)(
                                           ngx_http_aws_sigv4_program_t *g);
    void                                *data;

    /* for the handler: error is empty if the program has done well */

    ngx_str_t                            output;
    ngx_str_t                            error;

    /* of the program */

    ngx_connection_t                    *out;
    ngx_connection_t                    *err;
    ngx_connection_t                    *parent;    /* its waiting child */

    ngx_str_t                            complaint; /* on stderr */
    u_char                 text[NGX_HTTP_AWS_SIGV4_PROGRAM_ERROR];
    u_char                 first[NGX_HTTP_AWS_SIGV4_PROGRAM_ERROR];
};


/*
 * The handler is called once, from the event loop, unless end() is called
 * before.  NGX_ERROR: the program could not be started, error says why.
 */
ngx_int_t ngx_http_aws_sigv4_program_start(ngx_http_aws_sigv4_program_t *g);

/* kills the program if it runs, and wipes the output; may be called again */
void ngx_http_aws_sigv4_program_end(ngx_http_aws_sigv4_program_t *g);


/* ngx_http_aws_sigv4_program_child.c */

/* how the program ended, or why it did not begin */
typedef struct {
    int                                  status;    /* of waitpid() */
    ngx_err_t                            err;       /* of fork() */
} ngx_http_aws_sigv4_program_report_t;

/*
 * Starts the child, which has the descriptors as output, error output and
 * end of the socket, and no other.
 */
ngx_int_t ngx_http_aws_sigv4_program_fork(ngx_http_aws_sigv4_program_t *g,
    ngx_fd_t out, ngx_fd_t err, ngx_fd_t parent);


#endif /* _NGX_HTTP_AWS_SIGV4_PROGRAM_H_INCLUDED_ */
