/* lua_driver SCRIPT [ARGS]: Debian's Lua 5.4 running SCRIPT with all its standard libraries. */
#include <lauxlib.h>
#include <lualib.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	lua_State *l = luaL_newstate();

	if (argc < 2 || !l)
		return 2;
	luaL_openlibs(l);
	lua_newtable(l);
	for (int i = 1; i < argc; i++) {
		lua_pushstring(l, argv[i]);
		lua_rawseti(l, -2, i - 1);
	}
	lua_setglobal(l, "arg");
	if (luaL_dofile(l, argv[1])) {
		fprintf(stderr, "%s\n", lua_tostring(l, -1));
		return 1;
	}
	lua_close(l);
	return 0;
}
