/* `bellwire token`: signs a token, for trying things out and for backends without a JWT library. */
#include <stdio.h>

#include "app/commands.h"
#include "app/config.h"
#include "base/clock.h"
#include "base/err.h"
#include "codec/jwt.h"

static int claims_from(const struct config *c, int64_t now, struct jwt_claims *claims, struct buf *why)
{
	*claims = (struct jwt_claims){.is_moderator = c->token_moderator,
		.may_record = c->token_recorder,
		.expires_at_ms = now + c->token_ttl_ms};
	claims->is_server = strcmp(c->token_scope, "server") == 0;
	if (c->token_scope[0] && !claims->is_server) {
		buf_printf(why, "--scope: there is no scope %s; server is the only one", c->token_scope);
		return ERR_CONFIG;
	}
	if (!c->token_user[0] && !claims->is_server) {
		buf_printf(why, "--user is missing: whom is the token for?");
		return ERR_CONFIG;
	}
	const char *user = c->token_user[0] ? c->token_user : "server";
	if (str_copy(claims->user_id, sizeof claims->user_id, str_of(user)) < 0 ||
		str_copy(claims->name, sizeof claims->name, str_of(c->token_name)) < 0) {
		buf_printf(why, "--user and --name take at most %d bytes", JWT_MAX_USER_ID);
		return ERR_CONFIG;
	}
	return 0;
}

static int sign(const struct config *c, struct buf *token, struct buf *why)
{
	struct jwt_claims claims;
	struct jwt_keys keys;
	struct buf secret = {0};
	int64_t now = clock_wall_ms();
	jwt_keys_init(&keys);
	int err = claims_from(c, now, &claims, why);
	if (err < 0)
		return err;
	err = config_secret(c->secret_file, "BELLWIRE_SECRET", &secret, why);
	if (err == ERR_NOT_FOUND)
		buf_printf(why, "no secret: give --secret-file FILE or BELLWIRE_SECRET, the same that the server has");
	if (err == 0)
		err = jwt_keys_add_secret(&keys, buf_str(&secret));
	if (err == 0)
		err = jwt_sign(&claims, &keys, now, token);
	if (err == ERR_BAD_FIELD)
		buf_printf(why, "--user or --name has characters that are not allowed");
	buf_fini(&secret);
	jwt_keys_fini(&keys);
	return err;
}

int command_token(char **argv)
{
	struct config c;
	struct buf why, token;
	buf_init(&why, 1000);
	buf_init(&token, JWT_MAX_TOKEN);
	int err = config_read(&c, TOKEN, argv, &why);
	if (err == 0)
		err = sign(&c, &token, &why);
	int status = EXIT_OK;
	if (err == 0)
		printf("%.*s\n", STR_ARG(buf_str(&token)));
	else
		status = usage_wrong(why.len ? buf_str(&why) : str_of(err_text(err)));
	buf_fini(&token);
	buf_fini(&why);
	config_fini(&c);
	return status;
}
