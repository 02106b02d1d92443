#!/usr/bin/perl
# SPDX-License-Identifier: GPL-2.0
#
# Children at the other ends of pipes and sockets, alarms and signals: each turn
# does the same, and looks at what has come of it.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use IO::Handle;
use IO::Select;
use Socket;
use Time::HiRes qw(setitimer ITIMER_REAL ITIMER_VIRTUAL time);

my %seen = map { $_ => 0 } qw(ALRM USR1 VTALRM);
$SIG{$_} = sub { $seen{$_[0]}++ } for keys %seen;
STDOUT->autoflush(1);

# A child that gives the digest of what it is told, by socket and pipe; it is not
# to hold the sockets of those before it open
sub server {
	socketpair(my $child, my $parent, AF_UNIX, SOCK_STREAM, PF_UNSPEC) or
		die "socketpair: $!";
	pipe(my $answers, my $out) or die "pipe: $!";
	my $pid = fork // die "fork: $!";
	if (!$pid) {
		close $_ for $child, $answers, map { $_->{to} } @_;
		$out->autoflush(1);
		while (my $line = <$parent>) {
			chomp $line;
			print $out sha256_hex($line), "\n";
			kill 'USR1', getppid if $line =~ /0$/;
		}
		exit 7;
	}
	close $_ for $parent, $out;
	$child->autoflush(1);
	return { pid => $pid, to => $child, from => $answers };
}

# A line of an answer, whatever signals come meanwhile
sub answer {
	my ($server) = @_;
	my $line = readline $server->{from};
	die "no answer: $!" unless defined $line;
	chomp $line;
	return $line;
}

# Wait until a signal has come so often
sub wait_for {
	my ($signal, $count) = @_;
	select undef, undef, undef, 0.05 until $seen{$signal} >= $count;
}

my @servers;
push @servers, server(@servers) for 1 .. 3;
my $turn = 0;
do {
	$turn++;
	# one at a time, since a signal that is pending is not sent again
	for my $n (0 .. 29) {
		my $server = $servers[$n % @servers];
		my $text = "$turn." . "x" x ($n * 100) . ".$n";
		my $before = $seen{USR1};
		print { $server->{to} } "$text\n";
		answer($server) eq sha256_hex($text) or die "digest of $text";
		next if $n % 10;
		wait_for('USR1', $before + 1);
		die "$seen{USR1} signals" if $seen{USR1} != $before + 1;
	}
	print "answers\n";

	# alarms: not before their time, and each once
	my ($before, $start) = ($seen{ALRM}, time);
	setitimer(ITIMER_REAL, 0.1, 0.2);
	wait_for('ALRM', $before + 1);
	die 'too early' if time - $start < 0.099;
	wait_for('ALRM', $before + 3);
	setitimer(ITIMER_REAL, 0);
	$before = $seen{VTALRM};
	setitimer(ITIMER_VIRTUAL, 0.05);
	my $sum = 0;
	$sum += $_ % 13 for 1 .. 100000;
	die "the sum is $sum" if $sum != 599986;
	1 until $seen{VTALRM} > $before;
	my $died = 0;
	eval {
		local $SIG{ALRM} = sub { die "alarm\n" };
		alarm 1;
		sleep 100;
	};
	die $@ if $@ ne "alarm\n";
	print "alarms\n";

	# children that all come and go at once
	my %status;
	for my $n (1 .. 8) {
		my $pid = fork // die "fork: $!";
		exit $n if !$pid;
		$status{$pid} = $n << 8;
	}
	while (%status) {
		my $pid = wait;
		next if $pid < 0 && $!{EINTR};
		my $want = delete $status{$pid} // die "wait: $pid: $!";
		die "status $?, not $want" if $? != $want;
	}
	my $words = qx(printf '%s\\n' c a b | sort | tr '\\n' ' ');
	die "words: $words" if $words ne 'a b c ';
	print "children\n";
} until -e 'stop';

for my $server (@servers) {
	close $server->{to};
	1 until waitpid($server->{pid}, 0) == $server->{pid} || !$!{EINTR};
	die "status $?" if $? != 7 << 8;
}
print "$turn turns\n";
