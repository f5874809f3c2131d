-- SPDX-License-Identifier: BSD-2-Clause

std = "ngx_lua"
max_line_length = 80
codes = true
globals = { "sigv4" }
files["bench"] = { globals = { "wrk" } }
