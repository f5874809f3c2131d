
/*
 * Copyright (C) ngx_aws_sigv4_module authors
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */

/*
 * Options of the sanitizers, built into nginx: a test may start it with an
 * environment of its own, and a binary upgrade clears it.  REPORTS is the
 * prefix of the report files.
 */


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
           "leak:libluajit\n"
           "leak:ld-linux\n";
}
