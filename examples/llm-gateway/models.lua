-- SPDX-License-Identifier: BSD-2-Clause

-- What clients call a model, and where it is: for each name a list of
-- targets, tried in this order.  A change is in use within a second; where
-- it has a mistake, the old table stays and the error log says why.
-- docs/llm.md has all fields.

return {
    defaults = {
        region = "us-east-1",
        -- of aws_sigv4_provider; another account is another provider
        credentials = "default",
        -- seconds in which a target that failed comes last
        cooldown = 10,
    },

    -- /model/ID/converse and the like of AWS SDKs, for ids that are no
    -- names below
    native = {},

    models = {
        -- OpenAI clients: Bedrock's own OpenAI endpoint in two regions, then
        -- the machine under the desk
        ["gpt-oss"] = {
            { route = "runtime-openai", model = "openai.gpt-oss-120b-1:0" },
            { route = "runtime-openai", model = "openai.gpt-oss-120b-1:0",
              region = "us-west-2" },
            { route = "gateway", url = "http://127.0.0.1:1234",
              model = "openai/gpt-oss-20b" },
        },

        -- Anthropic clients: an inference profile
        ["claude-sonnet"] = {
            { route = "invoke-anthropic",
              model = "us.anthropic.claude-sonnet-4-6",
              -- of the header anthropic-beta; Bedrock refuses those that it
              -- does not know
              beta = { "context-1m-2025-08-07",
                       "interleaved-thinking-2025-05-14" } },
            { route = "invoke-anthropic",
              model = "us.anthropic.claude-sonnet-4-6",
              region = "us-west-2" },
        },

        -- LM Studio speaks both dialects
        ["local"] = {
            { route = "gateway", url = "http://127.0.0.1:1234",
              model = "qwen3-8b" },
        },

        -- A provider with a key of its own, which no client sees:
        --
        -- ["gpt-5"] = {
        --     { route = "openai", url = "https://api.openai.com",
        --       key_file = "/etc/nginx/llm/keys/openai", model = "gpt-5" },
        -- },
    },
}
