-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Signs what nginx proxies and what Lua code sends, and presigns URLs:
-- aws_sigv4.md.


local choice = require "resty.aws_sigv4.choice"
local providers = require "resty.aws_sigv4.providers"
local sign = require "resty.aws_sigv4.sign"


local _M = { version = "0.1.0" }


_M.set = choice.set
_M.get = choice.get
_M.off = choice.off

_M.sign = sign.sign
_M.presign = sign.presign

_M.credentials = providers.credentials


return _M
