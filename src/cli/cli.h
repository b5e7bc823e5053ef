/* cli.h - the commands of the program: one row of cli/commands.c each, one file for each noun. */
#pragma once

struct command {
    const char *name, *usage;          /* "train", "train --host URL --token T --experiment ID" */
    const char *says;                  /* NULL: a role that only the program itself starts */
    int (*run)(int argc, char **argv); /* argv[0] is the command's name; answers the exit code */
};
extern const struct command commands[]; /* ends with an empty row */
extern const char saccade_version[];

int serve_main(int argc, char **argv);
int worker_main(int argc, char **argv);
int edge_main(int argc, char **argv);
int fsck_main(int argc, char **argv);
int generate_main(int argc, char **argv);
int train_main(int argc, char **argv);
int evaluate_main(int argc, char **argv);
int drift_main(int argc, char **argv);
int model_main(int argc, char **argv);
int backup_main(int argc, char **argv); /* also "restore" */
int user_main(int argc, char **argv);   /* also "token" */
int migrate_main(int argc, char **argv);
int move_main(int argc, char **argv);
int demo_main(int argc, char **argv);
int describe_main(int argc, char **argv);
