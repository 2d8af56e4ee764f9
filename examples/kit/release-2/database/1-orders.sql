create table orders (id integer primary key, item text not null);
insert into orders (item) values ('coffee'), ('tea');
