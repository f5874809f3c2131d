-- Copyright (C) ngx_aws_sigv4_module authors
--
-- SPDX-License-Identifier: BSD-2-Clause

-- Counts by the minute, in a shared dict, for all workers.
--
-- The minute slides: what was counted in the last full minute weighs as much
-- as of it is still within sixty seconds, as if it had been spread evenly.
-- So there is no moment at which twice the limit passes.
--
--     ok, left, wait = limits.take(dict, name, limit, now)
--         counts one if that is within the limit.  `left`: how much is left;
--         `wait`: seconds until one passes if not ok, else until all is left
--     ok, left, wait = limits.look(dict, name, limit, now)
--         the same without counting: ok if anything is left
--     limits.add(dict, name, n, now)
--
-- A dict without room never refuses a request: all is ok then, with a line
-- in the log, once a minute at most.


local ngx = ngx
local floor = math.floor
local math_ceil = math.ceil
local max = math.max


local WINDOW = 60

-- fractions do not add up exactly: a millionth is no request, and no second
local TINY = 1e-6

-- a window is asked for during itself and the next one
local TTL = 2 * WINDOW


local _M = { version = "0.1.0" }


local complained = -WINDOW


local function complain(err, now)
    if now - complained >= WINDOW or now < complained then
        complained = now
        ngx.log(ngx.ERR, "llm: limits are not kept: ", err)
    end
end


local function key(name, window)
    return name .. ":" .. window
end


local function ceil(value)
    return math_ceil(value - TINY)
end


-- seconds until `n` more fit: first the last minute fades, then this one

local function wait_for(n, limit, last, this, elapsed)
    local room = limit - this - n

    if room >= 0 then
        local left = last > 0 and WINDOW * (1 - room / last) or 0

        return max(left - elapsed, 0)
    end

    return WINDOW - elapsed
           + max(WINDOW * (1 - max(limit - n, 0) / this), 0)
end


local function judge(n, limit, last, this, elapsed)
    local used = last * (1 - elapsed / WINDOW) + this

    if used + n > limit + TINY then
        return false, max(floor(limit - used), 0),
               max(ceil(wait_for(n, limit, last, this, elapsed)), 1)
    end

    return true, max(floor(limit - used - n), 0),
           ceil(this + n > 0 and 2 * WINDOW - elapsed
                or last > 0 and WINDOW - elapsed or 0)
end


function _M.take(dict, name, limit, now)
    local window = floor(now / WINDOW)
    local elapsed = now - window * WINDOW
    local this_key = key(name, window)

    local count, err = dict:incr(this_key, 1, 0, TTL)
    if not count then
        complain(err, now)
        return true, limit, 0
    end

    local last = dict:get(key(name, window - 1)) or 0
    local ok, left, wait = judge(1, limit, last, count - 1, elapsed)

    -- what is refused does not count
    if not ok then
        dict:incr(this_key, -1)
    end

    return ok, left, wait
end


function _M.look(dict, name, limit, now)
    local window = floor(now / WINDOW)
    local elapsed = now - window * WINDOW
    local last = dict:get(key(name, window - 1)) or 0
    local this = dict:get(key(name, window)) or 0

    local used = last * (1 - elapsed / WINDOW) + this

    if used >= limit - TINY then
        return false, 0,
               max(ceil(wait_for(1, limit, last, this, elapsed)), 1)
    end

    local _, left, wait = judge(0, limit, last, this, elapsed)

    return true, left, wait
end


function _M.add(dict, name, n, now)
    local ok, err = dict:incr(key(name, floor(now / WINDOW)), n, 0, TTL)
    if not ok then
        complain(err, now)
    end
end


return _M
