// SPDX-License-Identifier: GPL-2.0
/*
 * ckptinfo: show what is in a checkpoint image. Needs no kernel.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "show.h"
#include "text.h"

enum { EXIT_OK = 0, EXIT_BAD = 1, EXIT_USAGE = 2 };

static const char usage_text[] =
"usage: ckptinfo [--tree] [--namespaces] [--maps] [--files] [--json] FILE\n"
"Show what is in a checkpoint image, and check all of it. FILE may be - for\n"
"standard input. Without an option: what made it, and how much of what it has.\n"
"\n"
"  --tree        the process tree, and who shares what\n"
"  --namespaces  which namespaces each process is in, and who owns them\n"
"  --maps        the memory map of each address space\n"
"  --files       the descriptors of each process\n"
"  --json        all records, as JSON\n"
"  --help        this text\n"
"\n"
"exit status: 0; 1 the image is damaged, or of a checkpoint that failed;\n"
"2 usage\n";

struct options {
	bool tree;
	bool namespaces;
	bool maps;
	bool files;
	bool json;
	const char *file;
};

static int usage(void)
{
	fputs("Try 'ckptinfo --help'.\n", stderr);
	return EXIT_USAGE;
}

/* Returns 0 to go on, or else ends the program with *@status. */
static int parse(struct options *o, int argc, char **argv, int *status)
{
	static const struct option options[] = {
		{ "tree", no_argument, NULL, 't' },
		{ "namespaces", no_argument, NULL, 'n' },
		{ "maps", no_argument, NULL, 'm' },
		{ "files", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 }
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 't':
			o->tree = true;
			break;
		case 'n':
			o->namespaces = true;
			break;
		case 'm':
			o->maps = true;
			break;
		case 'f':
			o->files = true;
			break;
		case 'j':
			o->json = true;
			break;
		case 'h':
			fputs(usage_text, stdout);
			*status = EXIT_OK;
			return -1;
		default:
			*status = usage();
			return -1;
		}
	}
	*status = EXIT_USAGE;
	if (argc - optind != 1) {
		fputs("ckptinfo: one FILE is needed.\n", stderr);
		usage();
		return -1;
	}
	if (o->json && (o->tree || o->namespaces || o->maps || o->files)) {
		fputs("ckptinfo: --json shows everything: give it alone.\n",
		      stderr);
		usage();
		return -1;
	}
	o->file = argv[optind];
	return 0;
}

static void show(const struct view *v, const struct model *m,
		 const struct options *o, const char *name)
{
	const char *sep = "";

	if (o->tree) {
		show_tree(v, m);
		sep = "\n";
	}
	if (o->namespaces) {
		fputs(sep, v->f);
		show_namespaces(v, m);
		sep = "\n";
	}
	if (o->maps) {
		fputs(sep, v->f);
		show_maps(v, m);
		sep = "\n";
	}
	if (o->files) {
		fputs(sep, v->f);
		show_files(v, m);
		sep = "\n";
	}
	if (!*sep)
		show_summary(v, m, name);
}

static void complain(const struct view *v, const char *name, const char *what,
		     const char *why)
{
	fputs("ckptinfo: ", stderr);
	text_put(stderr, name, v->utf8);
	fprintf(stderr, ": %s", what);
	text_put(stderr, why, v->utf8);
	fputc('\n', stderr);
}

static int run(const struct options *o, const struct view *v, int fd,
	       const char *name)
{
	struct ckpt_image *img = ckpt_image_open(fd);
	struct model m;
	int ret;

	if (!img) {
		complain(v, name, "", strerror(errno));
		return EXIT_BAD;
	}
	if (o->json) {
		ret = show_json(v->f, img, name, &m);
	} else {
		ret = model_read(&m, img, NULL, NULL);
		if (!ret)
			show(v, &m, o, name);
	}
	if (ret > 0)
		complain(v, name, "the checkpoint failed: ", m.failure);
	else if (ret)
		complain(v, name, "", ckpt_image_error(img));
	model_free(&m);
	ckpt_image_close(img);
	return ret ? EXIT_BAD : EXIT_OK;
}

int main(int argc, char **argv)
{
	struct view v = { .f = stdout, .utf8 = text_utf8() };
	struct options o = {};
	const char *name;
	int fd, status;

	if (parse(&o, argc, argv, &status))
		return status;
	name = o.file;
	fd = STDIN_FILENO;
	if (!strcmp(name, "-")) {
		name = "standard input";
		if (isatty(fd)) {
			fputs("ckptinfo: standard input is a terminal: give an image.\n",
			      stderr);
			return usage();
		}
	} else {
		fd = open(name, O_RDONLY | O_CLOEXEC);
		if (fd < 0) {
			complain(&v, name, "", strerror(errno));
			return EXIT_BAD;
		}
	}
	status = run(&o, &v, fd, name);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "ckptinfo: standard output: %s\n",
			strerror(errno));
		status = EXIT_BAD;
	}
	return status;
}
