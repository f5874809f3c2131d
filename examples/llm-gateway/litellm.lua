-- SPDX-License-Identifier: BSD-2-Clause

-- In front of another LLM gateway: what it cannot answer goes to Bedrock.
-- APIPark is the same, with its own address and a `path` where the tenant
-- has published one: path = "/team/openai/v1".

return {
    models = {
        ["claude-sonnet"] = {
            { route = "gateway", url = "http://litellm",
              key_file = "/etc/nginx/llm/keys/litellm",
              model = "claude-sonnet" },
            { route = "invoke-anthropic", region = "us-east-1",
              model = "us.anthropic.claude-sonnet-4-6" },
        },

        ["gpt-oss"] = {
            { route = "gateway", url = "http://litellm",
              key_file = "/etc/nginx/llm/keys/litellm", model = "gpt-oss" },
            { route = "runtime-openai", region = "us-east-1",
              model = "openai.gpt-oss-120b-1:0" },
        },

        -- LiteLLM behind an API Gateway with IAM authorisation is signed
        -- for as well:
        --
        -- ["embed"] = {
        --     { route = "runtime-openai", service = "execute-api",
        --       region = "us-east-1", path = "/v1", model = "embed",
        --       host = "abcdef1234.execute-api.us-east-1.amazonaws.com" },
        -- },
    },
}
