
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Options of the sanitizers, built into nginx: a test may start it with an
 * environment of its own, and a binary upgrade clears it.  REPORTS is the
 * prefix of the report files.
 *
 * Memory for secrets is mapped, where the sanitizer puts no red zone: the
 * linker has wrapped its functions (--wrap), and what follows the bytes that
 * were asked for is poisoned here.
 */


#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <sanitizer/asan_interface.h>


/*
 * Of nginx, set when a process has been told to end; weak, as nginx's
 * configure links its tests with this file too.
 */
extern sig_atomic_t  ngx_quit __attribute__((weak));
extern sig_atomic_t  ngx_terminate __attribute__((weak));

void *__real_ngx_http_aws_sigv4_secret_alloc(size_t size, void *log)
    __attribute__((weak));
void __real_ngx_http_aws_sigv4_secret_free(void *p) __attribute__((weak));

void *__wrap_ngx_http_aws_sigv4_secret_alloc(size_t size, void *log);
void __wrap_ngx_http_aws_sigv4_secret_free(void *p);

int __lsan_is_turned_off(void);
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__lsan_default_options(void);
const char *__lsan_default_suppressions(void);


const char *
__asan_default_options(void)
{
    return "log_path=" REPORTS ":detect_leaks=1:strict_string_checks=1"
           ":detect_stack_use_after_return=1:allocator_may_return_null=1"
           ":handle_abort=1:disable_coredump=1";
}


const char *
__ubsan_default_options(void)
{
    return "log_path=" REPORTS ":print_stacktrace=1";
}


void *
__wrap_ngx_http_aws_sigv4_secret_alloc(size_t size, void *log)
{
    char       *p;
    uintptr_t   end, page;

    p = __real_ngx_http_aws_sigv4_secret_alloc(size, log);

    if (p != NULL) {
        page = sysconf(_SC_PAGESIZE);
        end = ((uintptr_t) p + size + page - 1) & ~(page - 1);

        ASAN_POISON_MEMORY_REGION(p + size, end - (uintptr_t) p - size);
    }

    return p;
}


/* a mapping starts with its size */

void
__wrap_ngx_http_aws_sigv4_secret_free(void *p)
{
    size_t  *start;

    if (p != NULL) {
        start = (size_t *) ((uintptr_t) p & ~(sysconf(_SC_PAGESIZE) - 1));

        ASAN_UNPOISON_MEMORY_REGION(start, *start);
    }

    __real_ngx_http_aws_sigv4_secret_free(p);
}


/*
 * "nginx -t" and a start that fails return from main() with all that was
 * allocated; only a process that was told to end frees its memory.
 */

int
__lsan_is_turned_off(void)
{
    return &ngx_quit == 0 || (!ngx_quit && !ngx_terminate);
}


/*
 * The scan of thread-local memory fails now and then, and a worker that may
 * not be traced cannot be looked at: both say nothing about leaks.
 */

const char *
__lsan_default_options(void)
{
    return "use_tls=0:print_suppressions=0";
}


/* nginx itself keeps these until it ends, and so do the libraries */

const char *
__lsan_default_suppressions(void)
{
    return "leak:ngx_save_argv\n"
           "leak:ngx_set_environment\n"
           "leak:ngx_init_setproctitle\n"
           "leak:ngx_event_process_init\n"
           "leak:ngx_worker_process_init\n"
           "leak:ngx_regex_malloc\n"
           "leak:libluajit\n"
           "leak:ld-linux\n";
}
