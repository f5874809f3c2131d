
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */


#include <ngx_config.h>
#include <ngx_core.h>

#include "ngx_http_aws_sigv4_secret.h"
#include "ngx_http_aws_sigv4_file.h"


/* a file is complete when it has not been written to for so long, seconds */
#define NGX_HTTP_AWS_SIGV4_FILE_SETTLE    2


static ngx_int_t ngx_http_aws_sigv4_file_content(
    ngx_http_aws_sigv4_file_t *f, ngx_fd_t fd, ngx_log_t *log,
    ngx_str_t *text, ngx_str_t *error);
static ngx_uint_t ngx_http_aws_sigv4_file_same(ngx_http_aws_sigv4_file_t *f,
    ngx_file_info_t *fi);
static void ngx_http_aws_sigv4_file_seen(ngx_http_aws_sigv4_file_t *f,
    ngx_file_info_t *fi);
static ngx_uint_t ngx_http_aws_sigv4_file_settled(ngx_file_info_t *fi);
static ngx_uint_t ngx_http_aws_sigv4_file_open_to(ngx_core_conf_t *ccf,
    char *path);
static ngx_uint_t ngx_http_aws_sigv4_file_permits(ngx_core_conf_t *ccf,
    ngx_file_info_t *fi, ngx_uint_t bit);


ngx_int_t
ngx_http_aws_sigv4_file_read(ngx_http_aws_sigv4_file_t *f, ngx_log_t *log,
    ngx_str_t *text, ngx_str_t *error)
{
    ngx_fd_t   fd;
    ngx_int_t  rc;

    /* of a FIFO it must not wait for the other end */

    fd = open((char *) f->name.data, O_RDONLY|O_NONBLOCK|O_CLOEXEC);

    if (fd == NGX_INVALID_FILE) {

        if (ngx_errno == NGX_ENOENT || ngx_errno == NGX_ENOTDIR) {
            f->found = 0;
            ngx_str_set(error, "does not exist");
            return NGX_DECLINED;
        }

        if (ngx_errno == NGX_EACCES) {
            ngx_str_set(error, "may not be read by this process");

        } else {
            ngx_str_set(error, "cannot be opened");
        }

        return NGX_ERROR;
    }

    rc = ngx_http_aws_sigv4_file_content(f, fd, log, text, error);

    (void) close(fd);

    return rc;
}


static ngx_int_t
ngx_http_aws_sigv4_file_content(ngx_http_aws_sigv4_file_t *f, ngx_fd_t fd,
    ngx_log_t *log, ngx_str_t *text, ngx_str_t *error)
{
    size_t           size;
    ssize_t          n;
    ngx_file_info_t  fi;

    if (ngx_fd_info(fd, &fi) == NGX_FILE_ERROR || !ngx_is_file(&fi)) {
        ngx_str_set(error, "is not a regular file");
        return NGX_ERROR;
    }

    ngx_http_aws_sigv4_file_seen(f, &fi);

    if (ngx_file_size(&fi) > NGX_HTTP_AWS_SIGV4_FILE_MAX) {
        ngx_str_set(error, "is larger than 1M");
        return NGX_ERROR;
    }

    /* one byte more than there should be shows whether it grows */

    size = ngx_file_size(&fi) + 1;

    text->len = 0;
    text->data = ngx_http_aws_sigv4_secret_alloc(size, log);

    if (text->data == NULL) {
        ngx_str_set(error, "cannot be read without memory");
        return NGX_ERROR;
    }

    do {
        n = read(fd, text->data + text->len, size - text->len);

        if (n == -1 && ngx_errno == NGX_EINTR) {
            continue;
        }

        text->len += n > 0 ? n : 0;

    } while (n != 0 && n != -1 && text->len < size);

    if (n == -1 || ngx_fd_info(fd, &fi) == NGX_FILE_ERROR) {
        ngx_str_set(error, "cannot be read");

    } else if (text->len != size - 1
               || !ngx_http_aws_sigv4_file_same(f, &fi))
    {
        f->settled = 0;
        ngx_str_set(error, "has changed while it was read");

    } else {
        return NGX_OK;
    }

    ngx_http_aws_sigv4_secret_free(text->data);

    return NGX_ERROR;
}


ngx_uint_t
ngx_http_aws_sigv4_file_changed(ngx_http_aws_sigv4_file_t *f)
{
    ngx_file_info_t  fi;

    if (ngx_file_info(f->name.data, &fi) == NGX_FILE_ERROR) {

        if (ngx_errno == NGX_ENOENT || ngx_errno == NGX_ENOTDIR) {
            return f->found;
        }

        /* most likely a directory that only root may search */

        return 0;
    }

    if (f->found && ngx_http_aws_sigv4_file_same(f, &fi)) {

        if (f->settled) {
            return 0;
        }

        if (access((char *) f->name.data, R_OK) == -1) {
            f->settled = 1;
            return 0;
        }
    }

    if (!ngx_http_aws_sigv4_file_settled(&fi)) {
        return 0;
    }

    ngx_http_aws_sigv4_file_seen(f, &fi);

    return 1;
}


static ngx_uint_t
ngx_http_aws_sigv4_file_same(ngx_http_aws_sigv4_file_t *f,
    ngx_file_info_t *fi)
{
    return f->device == fi->st_dev
           && f->inode == fi->st_ino
           && f->size == fi->st_size
           && f->mtime.tv_sec == fi->st_mtim.tv_sec
           && f->mtime.tv_nsec == fi->st_mtim.tv_nsec
           && f->ctime.tv_sec == fi->st_ctim.tv_sec
           && f->ctime.tv_nsec == fi->st_ctim.tv_nsec;
}


static void
ngx_http_aws_sigv4_file_seen(ngx_http_aws_sigv4_file_t *f,
    ngx_file_info_t *fi)
{
    f->device = fi->st_dev;
    f->inode = fi->st_ino;
    f->size = fi->st_size;
    f->mtime = fi->st_mtim;
    f->ctime = fi->st_ctim;
    f->found = 1;
    f->settled = ngx_http_aws_sigv4_file_settled(fi);
}


/*
 * A file that was written to a moment ago may be half of what it is to be,
 * and what is written next may leave time and size as they are.  A time to
 * come is that of another machine's clock, and says nothing.
 */

static ngx_uint_t
ngx_http_aws_sigv4_file_settled(ngx_file_info_t *fi)
{
    time_t  now;

    now = ngx_time();

    return now - fi->st_ctim.tv_sec >= NGX_HTTP_AWS_SIGV4_FILE_SETTLE
           || fi->st_ctim.tv_sec - now >= NGX_HTTP_AWS_SIGV4_FILE_SETTLE;
}


void
ngx_http_aws_sigv4_file_report(ngx_cycle_t *cycle,
    ngx_http_aws_sigv4_file_t *f)
{
    char             *path;
    ngx_core_conf_t  *ccf;
    ngx_file_info_t   fi;

    if (!f->found) {
        return;
    }

    if (f->secret
        && ngx_file_info(f->name.data, &fi) != NGX_FILE_ERROR
        && (fi.st_mode & S_IROTH))
    {
        ngx_log_error(NGX_LOG_WARN, cycle->log, 0,
                      "aws sigv4: \"%V\" holds a secret and may be read by "
                      "every user, use \"chmod o-r\"", &f->name);
    }

    ccf = (ngx_core_conf_t *) ngx_get_conf(cycle->conf_ctx, ngx_core_module);

    path = realpath((char *) f->name.data, NULL);

    if (path == NULL) {
        return;
    }

    if (geteuid() == 0 && !ngx_http_aws_sigv4_file_open_to(ccf, path)) {

        if (ngx_test_config && !ngx_quiet_mode) {
            ngx_log_stderr(0, "\"%V\" may not be read by user \"%s\": "
                           "changes of it are used after a reload only",
                           &f->name, ccf->username);
        }

        ngx_log_error(NGX_LOG_NOTICE, cycle->log, 0,
                      "aws sigv4: \"%V\" may not be read by user \"%s\": "
                      "changes of it are used after a reload only",
                      &f->name, ccf->username);
    }

    free(path);
}


/* whether workers may search all directories of the path and read the file */

static ngx_uint_t
ngx_http_aws_sigv4_file_open_to(ngx_core_conf_t *ccf, char *path)
{
    char             *p;
    ngx_uint_t        ok;
    ngx_file_info_t   fi;

    for (p = path + 1; *p != '\0'; p++) {

        if (*p != '/') {
            continue;
        }

        *p = '\0';
        ok = ngx_file_info(path, &fi) != NGX_FILE_ERROR
             && ngx_http_aws_sigv4_file_permits(ccf, &fi, S_IXOTH);
        *p = '/';

        if (!ok) {
            return 0;
        }
    }

    return ngx_file_info(path, &fi) != NGX_FILE_ERROR
           && ngx_http_aws_sigv4_file_permits(ccf, &fi, S_IROTH);
}


static ngx_uint_t
ngx_http_aws_sigv4_file_permits(ngx_core_conf_t *ccf, ngx_file_info_t *fi,
    ngx_uint_t bit)
{
    int    i, n;
    gid_t  groups[256];

    if (ccf->user == 0) {
        return 1;
    }

    if (ccf->user == fi->st_uid) {
        return (fi->st_mode & bit << 6) != 0;
    }

    if (ccf->group == fi->st_gid) {
        return (fi->st_mode & bit << 3) != 0;
    }

    n = sizeof(groups) / sizeof(gid_t);

    if (getgrouplist(ccf->username, ccf->group, groups, &n) == -1) {
        n = 0;
    }

    for (i = 0; i < n; i++) {
        if (groups[i] == fi->st_gid) {
            return (fi->st_mode & bit << 3) != 0;
        }
    }

    return (fi->st_mode & bit) != 0;
}
