// TokenService: decodes, calls the domain, encodes.

import type { TokenServiceService } from "../../../gen/rexec/token/v1/token_service.ts";
import { createToken, type CreateTokenDeps } from "../../domain/access/create-token.ts";
import { exchangeToken } from "../../domain/access/exchange-token.ts";
import { listTokens } from "../../domain/access/list-tokens.ts";
import { revokeToken } from "../../domain/access/revoke-token.ts";
import type { JwtCodec, TokenStore } from "../../domain/access/token.ts";
import type { Handlers } from "./call-context.ts";
import { durationMs } from "./duration.ts";
import { nextPageToken, parseListRequest } from "./list-request.ts";
import { TOKEN_LIST } from "./token-filter.ts";
import { scopesOf, tokenMessage } from "./token-message.ts";

export interface TokenServiceDeps extends CreateTokenDeps {
  tokens: TokenStore;
  jwt: JwtCodec;
  pageTokenKey: string;
}

export function tokenService(deps: TokenServiceDeps): Handlers<typeof TokenServiceService> {
  return {
    async createToken({ caller, request, signal }) {
      const scopes = scopesOf(request.scopes);
      const overlapMs = request.overlap && durationMs(request.overlap);
      const { token, secret } = await createToken(deps, { ...request, caller, scopes, overlapMs, signal });
      return { token: tokenMessage(token), secret };
    },
    async listTokens({ caller, request }) {
      const query = parseListRequest(TOKEN_LIST, request, deps.pageTokenKey);
      const page = await listTokens(deps, { caller, query });
      return {
        tokens: page.rows.map(tokenMessage),
        nextPageToken: nextPageToken(TOKEN_LIST, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    async revokeToken({ caller, request, signal }) {
      await revokeToken(deps, { caller, tokenId: request.tokenId, signal });
      return {};
    },
    exchangeToken: ({ caller }) => exchangeToken(deps, { caller }),
  };
}
