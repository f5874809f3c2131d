
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include <sys/mman.h>

#include "ngx_http_aws_sigv4_secret.h"
#include "ngx_http_aws_sigv4_environ.h"


/* the variable that tells a new binary the descriptor of the memory file */
#define NGX_HTTP_AWS_SIGV4_ENVIRON        "NGX_AWS_SIGV4_ENVIRON"

/* what execve() of Linux passes on at most */
#define NGX_HTTP_AWS_SIGV4_ENVIRON_MAX    6291456

/* nobody can change a file with these seals, nor is any other file sealed */
#define NGX_HTTP_AWS_SIGV4_SEALS                                              \
    (F_SEAL_SEAL|F_SEAL_SHRINK|F_SEAL_GROW|F_SEAL_WRITE)


static ngx_int_t ngx_http_aws_sigv4_environ_own(ngx_conf_t *cf);
static ngx_int_t ngx_http_aws_sigv4_environ_inherit(ngx_conf_t *cf);
static ngx_uint_t ngx_http_aws_sigv4_environ_wanted(char *entry);
static ngx_int_t ngx_http_aws_sigv4_environ_write(ngx_cycle_t *cycle);
static ngx_uint_t ngx_http_aws_sigv4_environ_listed(ngx_cycle_t *cycle,
    char *entry);


extern char  **environ;


/*
 * All this is of the process and not of a configuration, since the
 * environment is: entries "NAME=value" up to a NULL.  They are those of
 * the process itself, or lie behind the array.
 */

static char    **ngx_http_aws_sigv4_entries;
static ngx_fd_t  ngx_http_aws_sigv4_environ_fd = NGX_INVALID_FILE;
static u_char    ngx_http_aws_sigv4_environ_var[
                     sizeof(NGX_HTTP_AWS_SIGV4_ENVIRON "=") + NGX_INT_T_LEN];


ngx_int_t
ngx_http_aws_sigv4_environ_init(ngx_conf_t *cf)
{
    ngx_int_t  rc;

    if (ngx_http_aws_sigv4_entries != NULL) {
        return NGX_OK;
    }

    rc = ngx_http_aws_sigv4_environ_inherit(cf);

    if (rc == NGX_DECLINED) {
        return ngx_http_aws_sigv4_environ_own(cf);
    }

    return rc;
}


ngx_str_t
ngx_http_aws_sigv4_environ_get(ngx_conf_t *cf, const char *name)
{
    char             **entry;
    size_t             len;
    ngx_str_t         *var, value;
    ngx_uint_t         i;
    ngx_core_conf_t   *ccf;

    ngx_str_null(&value);

    len = ngx_strlen(name);

    /* "env NAME=value;" in the configuration */

    ccf = (ngx_core_conf_t *) ngx_get_conf(cf->cycle->conf_ctx,
                                           ngx_core_module);
    var = ccf->env.elts;

    for (i = 0; i < ccf->env.nelts; i++) {

        if (var[i].len == len && var[i].data[len] == '='
            && ngx_strncmp(var[i].data, name, len) == 0)
        {
            value.data = var[i].data + len + 1;
            value.len = ngx_strlen(value.data);
            return value;
        }
    }

    for (entry = ngx_http_aws_sigv4_entries; *entry != NULL; entry++) {

        if (ngx_strncmp(*entry, name, len) == 0 && (*entry)[len] == '=') {
            value.data = (u_char *) *entry + len + 1;
            value.len = ngx_strlen(value.data);
            break;
        }
    }

    return value;
}


char **
ngx_http_aws_sigv4_environ_entries(void)
{
    return ngx_http_aws_sigv4_entries;
}


ngx_int_t
ngx_http_aws_sigv4_environ_keep(ngx_cycle_t *cycle)
{
    ngx_str_t        *var;
    ngx_core_conf_t  *ccf;

    if (ngx_test_config || ngx_http_aws_sigv4_entries[0] == NULL) {
        return NGX_OK;
    }

    if (ngx_http_aws_sigv4_environ_fd == NGX_INVALID_FILE
        && ngx_http_aws_sigv4_environ_write(cycle) != NGX_OK)
    {
        /* no reason not to start */

        ngx_log_error(NGX_LOG_WARN, cycle->log, ngx_errno,
                      "aws sigv4: a memory file cannot be made, AWS_* "
                      "variables will be lost in a binary upgrade");
        return NGX_OK;
    }

    *ngx_sprintf(ngx_http_aws_sigv4_environ_var,
                 NGX_HTTP_AWS_SIGV4_ENVIRON "=%d",
                 ngx_http_aws_sigv4_environ_fd) = '\0';

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    var = ngx_array_push(&ccf->env);
    if (var == NULL) {
        return NGX_ERROR;
    }

    var->len = sizeof(NGX_HTTP_AWS_SIGV4_ENVIRON) - 1;
    var->data = ngx_http_aws_sigv4_environ_var;

    return NGX_OK;
}


void
ngx_http_aws_sigv4_environ_forget(ngx_cycle_t *cycle)
{
    char  **entry;

    if (ngx_process == NGX_PROCESS_SINGLE) {

        /* it reads its configuration again itself */
        return;
    }

    if (ngx_http_aws_sigv4_entries == NULL) {
        return;
    }

    if (ngx_http_aws_sigv4_environ_fd != NGX_INVALID_FILE) {
        (void) close(ngx_http_aws_sigv4_environ_fd);
        ngx_http_aws_sigv4_environ_fd = NGX_INVALID_FILE;
    }

    (void) unsetenv(NGX_HTTP_AWS_SIGV4_ENVIRON);

    /*
     * A worker does not see the strings of the master in its environment,
     * but it has a copy of the memory they are in.
     */

    for (entry = ngx_http_aws_sigv4_entries; *entry != NULL; entry++) {

        if (ngx_strncmp(*entry, "AWS_", 4) == 0
            && !ngx_http_aws_sigv4_environ_listed(cycle, *entry))
        {
            ngx_explicit_memzero(*entry, ngx_strlen(*entry));
        }
    }

    ngx_http_aws_sigv4_entries[0] = NULL;
}


static ngx_int_t
ngx_http_aws_sigv4_environ_own(ngx_conf_t *cf)
{
    char        **p, **entry;
    ngx_uint_t    n;

    for (n = 1, p = environ; *p != NULL; p++) {
        n += ngx_http_aws_sigv4_environ_wanted(*p);
    }

    entry = ngx_http_aws_sigv4_secret_alloc(n * sizeof(char *), cf->log);
    if (entry == NULL) {
        return NGX_ERROR;
    }

    ngx_http_aws_sigv4_entries = entry;

    for (p = environ; *p != NULL; p++) {
        if (ngx_http_aws_sigv4_environ_wanted(*p)) {
            *entry++ = *p;
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_aws_sigv4_environ_inherit(ngx_conf_t *cf)
{
    char             *p, *text, *last, *value, **entry;
    size_t            size;
    ngx_fd_t          fd;
    ngx_uint_t        n;
    struct stat       st;

    value = getenv(NGX_HTTP_AWS_SIGV4_ENVIRON);

    if (value == NULL) {
        return NGX_DECLINED;
    }

    fd = ngx_atoi((u_char *) value, ngx_strlen(value));

    if (fd == NGX_INVALID_FILE
        || fcntl(fd, F_GET_SEALS) != NGX_HTTP_AWS_SIGV4_SEALS
        || fstat(fd, &st) == -1
        || st.st_size > NGX_HTTP_AWS_SIGV4_ENVIRON_MAX)
    {
        ngx_log_error(NGX_LOG_WARN, cf->log, 0,
                      "aws sigv4: environment variable "
                      NGX_HTTP_AWS_SIGV4_ENVIRON " is ignored, it does not "
                      "name a memory file of nginx");
        return NGX_DECLINED;
    }

    /* no entry is shorter than "A=" and its NUL */

    n = st.st_size / 3 + 1;
    size = n * sizeof(char *) + st.st_size + 1;

    entry = ngx_http_aws_sigv4_secret_alloc(size, cf->log);
    if (entry == NULL) {
        return NGX_ERROR;
    }

    text = (char *) (entry + n);

    if (pread(fd, text, st.st_size, 0) != st.st_size) {
        ngx_log_error(NGX_LOG_ALERT, cf->log, ngx_errno,
                      "aws sigv4: pread() of a memory file failed");
        ngx_http_aws_sigv4_secret_free(entry);
        return NGX_ERROR;
    }

    ngx_http_aws_sigv4_entries = entry;
    ngx_http_aws_sigv4_environ_fd = fd;

    last = text + st.st_size;

    for (p = text; p < last; p += ngx_strlen(p) + 1) {
        if (ngx_http_aws_sigv4_environ_wanted(p)) {
            *entry++ = p;
        }
    }

    return NGX_OK;
}


static ngx_uint_t
ngx_http_aws_sigv4_environ_wanted(char *entry)
{
    return ngx_strncmp(entry, "AWS_", 4) == 0
           || ngx_strncmp(entry, "HOME=", 5) == 0;
}


static ngx_int_t
ngx_http_aws_sigv4_environ_write(ngx_cycle_t *cycle)
{
    char      **entry;
    ssize_t     len;
    ngx_fd_t    fd;

    /* not to be closed by execve() */

    fd = memfd_create("ngx_aws_sigv4_environ", MFD_ALLOW_SEALING);

    if (fd == NGX_INVALID_FILE) {
        return NGX_ERROR;
    }

    for (entry = ngx_http_aws_sigv4_entries; *entry != NULL; entry++) {
        len = ngx_strlen(*entry) + 1;

        if (write(fd, *entry, len) != len) {
            goto failed;
        }
    }

    if (fcntl(fd, F_ADD_SEALS, NGX_HTTP_AWS_SIGV4_SEALS) == -1) {
        goto failed;
    }

    ngx_http_aws_sigv4_environ_fd = fd;

    return NGX_OK;

failed:

    (void) close(fd);

    return NGX_ERROR;
}


/* whether the operator wants workers to have the variable */

static ngx_uint_t
ngx_http_aws_sigv4_environ_listed(ngx_cycle_t *cycle, char *entry)
{
    ngx_str_t        *var;
    ngx_uint_t        i;
    ngx_core_conf_t  *ccf;

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);
    var = ccf->env.elts;

    for (i = 0; i < ccf->env.nelts; i++) {

        if (ngx_strncmp(entry, var[i].data, var[i].len) == 0
            && entry[var[i].len] == '=')
        {
            return 1;
        }
    }

    return 0;
}
