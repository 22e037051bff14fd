# Hashes of arrays of hashes, regular expressions, sorting, and strings that grow piece by piece.
use strict;
use warnings;

my $seed = 1;
sub rng { $seed = ($seed * 1103515245 + 12345) % 2147483648; return int($seed / 65536) % shift }

my %people;
for my $i (1 .. 60_000) {
    my $name = join '', map { chr(97 + rng(26)) } 1 .. 3 + rng(8);
    push @{ $people{ substr $name, 0, 2 } }, { name => $name, id => $i, tags => [1 .. rng(5)] };
}

my $text = '';
for my $key (sort keys %people) {
    my $order = sub { $a->{name} cmp $b->{name} || $a->{id} <=> $b->{id} };
    for my $person (sort $order @{ $people{$key} }) {
        $text .= "$key:$person->{name}:" . join(',', @{ $person->{tags} }) . "\n";
    }
}

my %count;
$count{$1}++ while $text =~ /:([a-z]{2})[a-z]*:/g;
my @lines = split /\n/, $text;
my %seen = map { $_ => length } @lines;
my $copies = 0;
for my $round (1 .. 4) {
    my @copy = map { s/[aeiou]/-/gr } @lines;
    $copies += grep { /--/ } @copy;
}

my $sum = 0;
$sum = ($sum * 31 + ord) % 1000000007 for split //, $text;
printf "%d %d %d %d %d\n", scalar(keys %people), length $text, scalar(keys %seen), $copies, $sum;
printf "%s %d\n", $_, $count{$_} for sort keys %count;
