
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * The variables AWS_* and HOME of the environment that nginx was started
 * in, for the time that the configuration is read.
 *
 * nginx gives its workers, and the binary it is upgraded to, none but those
 * of the "env" directive; and what it gives on it writes to the debug log.
 * So the variables go to the new binary in a memory file, whose descriptor
 * it inherits, and workers are left without them.
 */


#ifndef _NGX_HTTP_AWS_SIGV4_ENVIRON_H_INCLUDED_
#define _NGX_HTTP_AWS_SIGV4_ENVIRON_H_INCLUDED_


#include <ngx_config.h>
#include <ngx_core.h>


/* before anything else looks at the environment or changes it */
ngx_int_t ngx_http_aws_sigv4_environ_init(ngx_conf_t *cf);

/*
 * Empty if it is not set, or set to nothing; ends with NUL.  It is to be
 * copied where workers need it.
 */
ngx_str_t ngx_http_aws_sigv4_environ_get(ngx_conf_t *cf, const char *name);

/*
 * All variables, those above and what else there is, for a program: strings
 * "NAME=value" up to a NULL, in one piece of memory for secrets.  NULL: it
 * has been logged.
 */
char **ngx_http_aws_sigv4_environ_copy(ngx_conf_t *cf);

/* those above alone, up to a NULL */
char **ngx_http_aws_sigv4_environ_entries(void);

/* in the master, for a binary upgrade */
ngx_int_t ngx_http_aws_sigv4_environ_keep(ngx_cycle_t *cycle);

/* in a worker */
void ngx_http_aws_sigv4_environ_forget(ngx_cycle_t *cycle);


#endif /* _NGX_HTTP_AWS_SIGV4_ENVIRON_H_INCLUDED_ */
