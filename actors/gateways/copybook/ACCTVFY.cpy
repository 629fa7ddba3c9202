      *> ADDRESS-INQUIRY-REQUEST: 93 bytes, to ACCT.CREATE.QUEUE (S33):
      *> does the client live there? It changes nothing. It is answered
      *> by an ACCOUNT-REPLY: '04' the account has this very address,
      *> '12' it has another one, or there is no account.
       01  ADDRESS-INQUIRY-REQUEST.
           05  TRAN-CODE           PIC X(4)   VALUE 'ACVF'.
           05  CLIENT-ID           PIC X(20).
           05  ADDRESS-LINE-1      PIC X(40).
           05  CITY                PIC X(20).
           05  PROVINCE            PIC X(2).
           05  POSTAL-CODE         PIC X(7).
